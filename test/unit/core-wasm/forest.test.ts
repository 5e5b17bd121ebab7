import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { crc32 } from '../../../core-wasm/crc32.ts'
import {
  averagePathLength,
  encodeForest,
  Forest,
  type IsolationForest,
  type IsolationTree,
  rankFeatures,
} from '../../../core-wasm/forest.ts'
import { explainSlow, scoreSlow } from '../../../core-wasm/forest-oracle.ts'
import { growForest, randomForest, randomPoint } from './random-forest.ts'
import { integer, normal } from './values.ts'

const SEED = 1234
const HEADER_BYTES = 32
const unreadable = expect.objectContaining({ code: 'model/unreadable' })
const wrongShape = expect.objectContaining({ code: 'model/shape' })

const leaf = (size: number): IsolationTree => ({ size })
/** One tree: x0 < 1 ends with one point, else x1 < 2 parts five points from four. */
const small: IsolationForest = {
  features: 2,
  subsample: 10,
  depth: 3,
  trees: [
    {
      feature: 0,
      threshold: 1,
      left: leaf(1),
      right: { feature: 1, threshold: 2, left: leaf(5), right: leaf(4) },
    },
  ],
}

describe('c(n)', () => {
  it('is 2 H(n - 1) - 2 (n - 1) / n with H(i) = ln(i) + 0.5772…, and 1 for two points', () => {
    expect([0, 1, 2].map(averagePathLength)).toEqual([0, 0, 1])
    expect(averagePathLength(5)).toBeCloseTo(2.327020052, 8)
    expect(averagePathLength(256)).toBeCloseTo(10.24477092, 8)
  })
})

describe(`scores (seed ${SEED})`, () => {
  it('of a small forest are those worked out by hand', () => {
    const forest = Forest.load(loadCore(), encodeForest(small))
    const at = (...point: number[]) => forest.score(Float64Array.from(point))
    expect(at(0, 0)).toBeCloseTo(2 ** (-1 / averagePathLength(10)), 7)
    expect(at(1, 1.9)).toBeCloseTo(2 ** (-(2 + averagePathLength(5)) / averagePathLength(10)), 7)
    expect(at(1, 2)).toBeCloseTo(2 ** (-(2 + averagePathLength(4)) / averagePathLength(10)), 7)
  })

  it('take a value at the threshold to the right, for the score and for what isolates', () => {
    const forest = Forest.load(loadCore(), encodeForest(small))
    expect(forest.score(Float64Array.of(1, 0))).toBeLessThan(forest.score(Float64Array.of(0.99, 0)))
    expect(forest.isolating(Float64Array.of(1, 0), 2)).toEqual([0, 1])
    expect(forest.isolating(Float64Array.of(0.99, 0), 2)).toEqual([0])
  })

  it('equal the slow oracle on forests of any shape', () => {
    const random = seededRandom(SEED)
    for (let round = 0; round < 40; round++) {
      const size = {
        trees: integer(random, 1, 30),
        depth: integer(random, 1, 9),
        features: integer(random, 1, 20),
        subsample: integer(random, 2, 500),
      }
      const model = randomForest(random, size)
      const forest = Forest.load(loadCore(), encodeForest(model))
      expect(forest).toMatchObject(size)
      for (let i = 0; i < 100; i++) {
        const point = randomPoint(random, size.features)
        const slow = scoreSlow(model, point)
        expect(Math.abs(forest.score(point) / slow - 1)).toBeLessThan(1e-6)
        const { weight, visits } = explainSlow(model, point)
        expect(forest.isolating(point, 3)).toEqual(rankFeatures(weight, visits, 3))
      }
    }
  })

  it('are high for an outlier, ordinary for the crowd, and name the feature that sets the outlier apart', () => {
    const random = seededRandom(SEED + 1)
    const draw = () => Float64Array.from({ length: 6 }, () => normal(random))
    const forest = Forest.load(
      loadCore(),
      encodeForest(growForest(random, Array.from({ length: 2000 }, draw), 100, 256)),
    )
    const centre = forest.score(new Float64Array(6))
    expect(centre).toBeLessThan(0.45)
    expect(forest.score(new Float64Array(6).fill(6))).toBeGreaterThan(0.7)
    for (let feature = 0; feature < 6; feature++) {
      const outlier = new Float64Array(6)
      outlier[feature] = 9
      expect(forest.score(outlier)).toBeGreaterThan(centre + 0.03)
      expect(forest.isolating(outlier, 1)).toEqual([feature])
    }
  })

  it('do not change with what else is in the core, nor after other forests came and went', () => {
    const random = seededRandom(SEED + 2)
    const core = loadCore()
    const free = core.arena.largest
    const point = randomPoint(random, 5)
    const size = { trees: 100, depth: 8, features: 5, subsample: 256 }
    const first = Forest.load(core, encodeForest(randomForest(random, size)))
    const score = first.score(point)
    for (let round = 0; round < 30; round++) {
      const other = Forest.load(core, encodeForest(randomForest(random, size)))
      other.score(randomPoint(random, 5))
      other.isolating(point, 2)
      other.release()
    }
    expect(first.score(point)).toBe(score)
    first.release()
    expect(core.arena.largest).toBe(free)
  })

  it('refuse a point of the wrong length', () => {
    const forest = Forest.load(loadCore(), encodeForest(small))
    expect(() => forest.score(new Float64Array(3))).toThrow(wrongShape)
    expect(() => forest.isolating(new Float32Array(1), 1)).toThrow(wrongShape)
  })
})

/** A file with some of its words changed, and its checksum made right again. */
function forged(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer)
  change(view)
  view.setUint32(24, 0, true)
  view.setUint32(24, crc32(copy), true)
  return copy
}

describe('a forest file', () => {
  const file = encodeForest(small)
  const load = (bytes: Uint8Array) => () => Forest.load(loadCore(), bytes)

  it('has a checksum by the published CRC-32', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  })

  it('is the same for the same forest, and loads from the middle of a buffer', () => {
    expect(encodeForest(small)).toEqual(file)
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    expect(Forest.load(loadCore(), shifted.subarray(3)).features).toBe(2)
  })

  it("loads from Node's Buffer, whose slices share its bytes, and leaves those as they were", () => {
    const buffer = Buffer.from(file)
    for (let again = 0; again < 2; again++) expect(Forest.load(loadCore(), buffer).features).toBe(2)
    expect(new Uint8Array(buffer)).toEqual(file)
  })

  it('is refused cut short at any byte, or with bytes left over', () => {
    for (let length = 0; length < file.length; length++) {
      expect(load(file.slice(0, length)), `${length}`).toThrow(unreadable)
    }
    expect(load(Uint8Array.of(...file, 0))).toThrow(unreadable)
  })

  it('is refused with any one byte changed', () => {
    for (let at = 0; at < file.length; at++) {
      const damaged = file.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 0x41
      expect(load(damaged), `${at}`).toThrow(expect.objectContaining({ name: 'AtlasError' }))
    }
  })

  it('is refused with another magic or version', () => {
    expect(load(forged(file, (view) => view.setUint32(0, 1, true)))).toThrow(unreadable)
    expect(load(forged(file, (view) => view.setUint32(4, 2, true)))).toThrow(/version 2/)
  })

  it('is refused with sizes, splits or leaves out of bounds, even when its checksum is right', () => {
    const words: [at: number, value: number][] = [
      [8, 0],
      [8, 1001],
      [12, 0],
      [12, 15],
      [16, 0],
      [16, 257],
      [20, 1],
      [HEADER_BYTES + 4, 2],
      [HEADER_BYTES + 4, 0xffffffff],
      [HEADER_BYTES, 0x7fc00000],
      [HEADER_BYTES + 7 * 8, 0x7fc00000],
      [HEADER_BYTES + 7 * 8, 0x7f800000],
      [HEADER_BYTES + 7 * 8, 0xbf800000],
    ]
    for (const [at, value] of words) {
      expect(load(forged(file, (view) => view.setUint32(at, value, true))), `${at}`).toThrow(wrongShape)
    }
  })

  it('is refused when the core has no room for it, and the core stays usable', () => {
    const core = loadCore()
    const deep: IsolationForest = { ...small, depth: 14, trees: Array.from({ length: 30 }, () => leaf(3)) }
    expect(() => Forest.load(core, encodeForest(deep))).toThrow(wrongShape)
    expect(Forest.load(core, file).score(Float64Array.of(0, 0))).toBeGreaterThan(0)
  })

  it('is not written for a forest out of bounds', () => {
    const split = (over: object): IsolationTree => ({
      feature: 0,
      threshold: 0,
      left: leaf(1),
      right: leaf(1),
      ...over,
    })
    const bad: IsolationForest[] = [
      { ...small, trees: [] },
      { ...small, depth: 0 },
      { ...small, depth: 1 },
      { ...small, features: 0 },
      { ...small, subsample: 1 },
      { ...small, trees: [split({ feature: 2 })] },
      { ...small, trees: [split({ feature: 0.5 })] },
      { ...small, trees: [split({ threshold: Number.NaN })] },
      { ...small, trees: [split({ threshold: 1e39 })] },
      { ...small, trees: [leaf(-1)] },
      { ...small, trees: [split({ left: leaf(0.5) })] },
    ]
    for (const forest of bad) expect(() => encodeForest(forest)).toThrow(wrongShape)
  })
})
