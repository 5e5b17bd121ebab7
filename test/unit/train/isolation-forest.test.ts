import { describe, expect, it } from 'vitest'
import { trainForest } from '../../../central/train/isolation-forest.ts'
import { normal } from '../../../central/train/sampling.ts'
import { seededRandom } from '../../../contract/ports.ts'
import type { IsolationTree } from '../../../core-wasm/forest-format.ts'
import { scoreSlow } from '../../../core-wasm/forest-oracle.ts'

const SEED = 13
const FEATURES = 3

function cloud(points: number): Float32Array {
  const random = seededRandom(SEED)
  return Float32Array.from({ length: points * FEATURES }, () => normal(random))
}

function sizeOf(tree: IsolationTree): number {
  return 'size' in tree ? tree.size : sizeOf(tree.left) + sizeOf(tree.right)
}

function depthOf(tree: IsolationTree): number {
  return 'size' in tree ? 0 : 1 + Math.max(depthOf(tree.left), depthOf(tree.right))
}

describe(`isolation forest (seed ${SEED})`, () => {
  const points = cloud(2000)
  const forest = trainForest(points, FEATURES, { trees: 60, subsample: 128 }, seededRandom(SEED))

  it('grows each tree on its subsample, no deeper than the logarithm of it', () => {
    expect(forest.depth).toBe(7)
    for (const tree of forest.trees) {
      expect(sizeOf(tree)).toBe(128)
      expect(depthOf(tree)).toBeLessThanOrEqual(7)
    }
  })

  it('is the same for the same seed', () => {
    expect(trainForest(points, FEATURES, { trees: 60, subsample: 128 }, seededRandom(SEED))).toEqual(forest)
  })

  it('scores outliers above normal points: an AUC of at least 0.99 at four standard deviations', () => {
    const random = seededRandom(SEED + 1)
    const usual = Array.from({ length: 300 }, () =>
      scoreSlow(forest, [normal(random), normal(random), normal(random)]),
    )
    const odd = Array.from({ length: 300 }, (_, index) => {
      const point = [normal(random), normal(random), normal(random)]
      point[index % 3] = 4.5 * (index % 2 === 0 ? 1 : -1)
      point[(index + 1) % 3] = 4
      return scoreSlow(forest, point)
    })
    const below = odd.map((score) => usual.filter((other) => other < score).length / usual.length)
    expect(below.reduce((sum, share) => sum + share, 0) / odd.length).toBeGreaterThan(0.99)
    expect(usual.reduce((sum, score) => sum + score, 0) / usual.length).toBeLessThan(0.5)
  })

  it('ends in one leaf where nothing varies', () => {
    const flat = trainForest(
      new Float32Array(300).fill(7),
      FEATURES,
      { trees: 2, subsample: 64 },
      seededRandom(SEED),
    )
    expect(flat.trees).toEqual([{ size: 64 }, { size: 64 }])
  })

  it('refuses fewer points than its subsample', () => {
    expect(() => trainForest(cloud(10), FEATURES, { trees: 1, subsample: 64 }, seededRandom(SEED))).toThrow(
      'at least 64 rows of 3, but are 10',
    )
  })
})
