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

  it('are the same for the same seed, and tell the sums they come to', () => {
    const rows = data(500)
    let sums: ArrayLike<number> = []
    const fitted = boost(rows, { ...BOOSTING, rounds: 20 }, seededRandom(1), 400, (_, all) => {
      sums = all
      return true
    })
    expect(boost(rows, { ...BOOSTING, rounds: 20 }, seededRandom(1), 400)).toEqual(fitted)
    for (const row of [0, 123, 499])
      expect(sumOfTrees(fitted, rows.x.subarray(row * 3, row * 3 + 3))).toBeCloseTo(
        sums[row] ?? Number.NaN,
        9,
      )
  })

  it('end when told to', () => {
    const trees = boost(data(500), BOOSTING, seededRandom(1), 500, (round) => round < 4)
    expect(trees.roots).toHaveLength(5)
  })
})
