import { describe, expect, it } from 'vitest'
import { BOOSTING, boost } from '../../../central/train/boosting.ts'
import { normal } from '../../../central/train/sampling.ts'
import { sumOfTrees } from '../../../contract/model/boosted-trees.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 7

/** y = a step in the first feature, a slope in the second; the third says nothing, and is missing at times. */
function data(rows: number) {
  const random = seededRandom(SEED)
  const x = new Float32Array(rows * 3)
  const y = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const [a, b] = [random.next(), random.next()]
    x.set([a, b, row % 3 === 0 ? Number.NaN : random.next()], row * 3)
    y[row] = (a > 0.5 ? 2 : 0) + b + 0.1 * normal(random) + (random.next() < 0.05 ? 100 : 0)
  }
  return { columns: 3, x, y, weight: new Float64Array(rows).fill(1) }
}

describe(`boosted trees (seed ${SEED})`, () => {
  it('find a step and a slope in spite of outliers', () => {
    const trees = boost(data(3000), { ...BOOSTING, rounds: 150, columnShare: 1 }, seededRandom(SEED))
    for (const [a, b] of [
      [0.2, 0.3],
      [0.2, 0.8],
      [0.8, 0.3],
      [0.9, 0.9],
    ] as const) {
      expect(Math.abs(sumOfTrees(trees, [a, b, Number.NaN]) - ((a > 0.5 ? 2 : 0) + b))).toBeLessThan(0.15)
    }
  })

  it('are the same for the same seed, and others for another', () => {
    const fitted = (seed: number) => boost(data(500), { ...BOOSTING, rounds: 20 }, seededRandom(seed))
    expect(fitted(1).roots).toHaveLength(20)
    expect(fitted(1)).toEqual(fitted(1))
    expect(fitted(1)).not.toEqual(fitted(2))
  })
})
