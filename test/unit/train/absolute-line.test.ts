import { describe, expect, it } from 'vitest'
import { fitLine } from '../../../central/train/absolute-line.ts'
import { normal } from '../../../central/train/sampling.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 9
const ROWS = 20_000

describe(`a line of least absolute error (seed ${SEED})`, () => {
  it('is found in spite of outliers that a line of least squares would follow', () => {
    const random = seededRandom(SEED)
    const x = new Float32Array(ROWS * 2)
    const y = new Float64Array(ROWS)
    for (let row = 0; row < ROWS; row++) {
      const [a, b] = [normal(random), 5 + normal(random)]
      x.set([a, b], row * 2)
      y[row] = 3 + 2 * a - b + 0.5 * normal(random) + (random.next() < 0.1 ? 100 : 0)
    }
    const data = { columns: 2, x, y, weight: new Float64Array(ROWS).fill(1) }
    const { base, weights } = fitLine(
      data,
      Array.from({ length: ROWS }, (_, row) => row),
    )
    expect(weights[0]).toBeCloseTo(2, 0)
    expect(weights[1]).toBeCloseTo(-1, 0)
    // a tenth of outliers moves a median by 0.14 of the noise, a mean by 10
    expect(base + (weights[1] ?? 0) * 5).toBeGreaterThan(-2.1)
    expect(base + (weights[1] ?? 0) * 5).toBeLessThan(-1.5)
  })
})
