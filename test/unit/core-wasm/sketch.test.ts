import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { SKETCH_ALPHA, Sketch } from '../../../core-wasm/sketch.ts'
import { DISTRIBUTIONS, exactQuantile, integer } from './values.ts'

const SEED = 20_261
const QUANTILES = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]
const refused = expect.objectContaining({ name: 'AtlasError', code: 'message/invalid' })

function sketchOf(values: Iterable<number>, core = loadCore()): Sketch {
  const sketch = new Sketch(core)
  for (const value of values) sketch.add(value)
  return sketch
}

describe(`quantiles (seed ${SEED})`, () => {
  for (const [name, draw] of Object.entries(DISTRIBUTIONS)) {
    it(`are within 1 % of the exact ones: ${name}`, () => {
      const random = seededRandom(SEED)
      for (const n of [1, 2, 10, 1000, 30_000]) {
        const values = Float64Array.from({ length: n }, () => draw(random))
        const sketch = sketchOf(values)
        values.sort()
        expect(sketch.count).toBe(n)
        for (const q of QUANTILES) {
          const exact = exactQuantile(values, q)
          expect(Math.abs(sketch.quantile(q) - exact) / exact, `n ${n}, q ${q}`).toBeLessThanOrEqual(
            SKETCH_ALPHA * (1 + 1e-9),
          )
        }
      }
    })
  }

  it('of an empty sketch are NaN, and a q outside 0..1 is an error', () => {
    const sketch = sketchOf([])
    expect(sketch.quantile(0.5)).toBeNaN()
    for (const q of [-0.01, 1.01, Number.NaN]) expect(() => sketch.quantile(q)).toThrow(RangeError)
  })

  it('clamp what lies outside of 0.01 … 10^6 ms, and take NaN and negatives as 0', () => {
    for (const low of [0, -0, 0.01, 0.001, -5, Number.NEGATIVE_INFINITY, Number.NaN]) {
      expect(sketchOf([low]).quantile(0.5), `${low}`).toBeCloseTo(0.0099, 10)
    }
    for (const high of [1e6, 1e9, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      expect(Math.abs(sketchOf([high]).quantile(0.5) / 1e6 - 1), `${high}`).toBeLessThanOrEqual(0.01)
    }
  })
})

describe(`merging (seed ${SEED})`, () => {
  const random = seededRandom(SEED + 1)
  const draws = Object.values(DISTRIBUTIONS)
  const parts = Array.from({ length: 12 }, (_, index) =>
    Float64Array.from({ length: integer(random, 0, 4000) }, () => draws[index % draws.length]?.(random) ?? 0),
  )

  it('gives the sketch of the union, bit for bit', () => {
    const core = loadCore()
    const merged = new Sketch(core)
    for (const part of parts) merged.merge(sketchOf(part).encode())
    const union = sketchOf(parts.flatMap((part) => [...part]))
    expect(merged.encode()).toEqual(union.encode())
    expect(merged.count).toBe(union.count)
  })

  it('is associative and commutative, and an empty sketch changes nothing', () => {
    const [a, b, c] = parts.map((part) => sketchOf(part).encode())
    const merge = (...encoded: (Uint8Array | undefined)[]): Uint8Array => {
      const sketch = sketchOf([])
      for (const part of encoded) sketch.merge(part ?? new Uint8Array())
      return sketch.encode()
    }
    expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)))
    expect(merge(a, b, c)).toEqual(merge(c, a, b))
    expect(merge(a, sketchOf([]).encode())).toEqual(a)
  })

  it('refuses to count past 2^32 - 1, and is then unchanged', () => {
    const full = Uint8Array.of(1, 1, 7, 0xff, 0xff, 0xff, 0xff, 0x0f)
    const sketch = sketchOf([])
    sketch.merge(full)
    expect(sketch.count).toBe(2 ** 32 - 1)
    expect(() => sketch.merge(sketchOf([1]).encode())).toThrow(refused)
    sketch.add(1)
    expect(sketch.encode()).toEqual(full)
  })
})

describe('the encoded form', () => {
  it('is version, number of bins, then skip and count of each', () => {
    expect([...sketchOf([]).encode()]).toEqual([1, 0])
    // ln(100) / ln(1.01 / 0.99) = 230.3: bin 231
    expect([...sketchOf([0, 1, 1, 1]).encode()]).toEqual([1, 2, 0, 1, 0xe6, 1, 3])
    expect([...sketchOf(new Float64Array(127)).encode()]).toEqual([1, 1, 0, 127])
    expect([...sketchOf(new Float64Array(128)).encode()]).toEqual([1, 1, 0, 0x80, 1])
  })

  it('carries every count and every bin', () => {
    for (const n of [127, 128, 129, 16_384]) {
      const sketch = sketchOf([])
      sketch.merge(sketchOf(new Float64Array(n)).encode())
      expect(sketch.count).toBe(n)
    }
    const all = Uint8Array.of(1, 0xa0, 7, ...Array.from({ length: 928 }, () => [0, 1]).flat())
    const sketch = sketchOf([])
    sketch.merge(all)
    expect(sketch.count).toBe(928)
    expect(sketch.encode()).toEqual(all)
  })

  it('is refused when malformed', () => {
    const bad: Record<string, number[]> = {
      empty: [],
      'version only': [1],
      'wrong version': [2, 0],
      'bins missing': [1, 1],
      'count missing': [1, 1, 5],
      'count cut short': [1, 1, 5, 0x80],
      'empty bin': [1, 1, 5, 0],
      'bytes left over': [1, 1, 5, 1, 0],
      'more bins than there are': [1, 0xa1, 7],
      'bin past the last': [1, 1, 0xa0, 7, 1],
      'skip wraps around': [1, 2, 3, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1],
      'number above 32 bits': [1, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x1f],
      'number of six bytes': [1, 1, 5, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
      'overlong number of six bytes': [1, 1, 5, 0x81, 0x80, 0x80, 0x80, 0x80, 0],
      'sum above 2^32 - 1': [1, 2, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1],
    }
    const sketch = sketchOf([3, 4])
    const before = sketch.encode()
    for (const [name, bytes] of Object.entries(bad)) {
      expect(() => sketch.merge(Uint8Array.from(bytes)), name).toThrow(refused)
    }
    expect(() => sketch.merge(new Uint8Array(10_000))).toThrow(refused)
    expect(() => sketch.merge([1, 0] as unknown as Uint8Array)).toThrow(refused)
    expect(sketch.encode()).toEqual(before)
  })

  it(`never harms other memory, whatever the bytes (seed ${SEED})`, () => {
    const random = seededRandom(SEED + 2)
    const core = loadCore()
    const target = new Sketch(core)
    const neighbour = sketchOf([1, 2, 3], core)
    const before = neighbour.encode()
    const valid = sketchOf(Array.from({ length: 500 }, () => 100 * random.next())).encode()
    let accepted = 0
    for (let round = 0; round < 20_000; round++) {
      const bytes =
        round % 2
          ? valid.slice()
          : Uint8Array.from({ length: integer(random, 0, 40) }, () => 256 * random.next())
      if (round % 2) bytes[integer(random, 0, bytes.length - 1)] = 256 * random.next()
      else bytes[0] = 1
      target.clear()
      try {
        target.merge(bytes)
        accepted++
        expect(target.quantile(1)).toBeLessThanOrEqual(1.2e6)
      } catch (thrown) {
        expect(thrown).toEqual(refused)
        expect(target.count).toBe(0)
      }
    }
    expect(accepted).toBeGreaterThan(100)
    expect(neighbour.encode()).toEqual(before)
  })

  it('gives its memory back on release', () => {
    const core = loadCore()
    const free = core.arena.largest
    for (let round = 0; round < 5000; round++) new Sketch(core).release()
    expect(core.arena.largest).toBe(free)
  })
})
