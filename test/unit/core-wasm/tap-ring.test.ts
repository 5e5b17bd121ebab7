import { describe, expect, it } from 'vitest'
import { type Aggregate, type ModuleAggregate, UNROUTED } from '../../../contract/aggregate.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { SKETCH_ALPHA, Sketch } from '../../../core-wasm/sketch.ts'
import { FLAG_SHED, FLAG_UNREACHABLE, MAX_BUCKETS, TapRing } from '../../../core-wasm/tap-ring.ts'
import { countsOf, naiveAggregate, naiveCalls, type Row, randomRow } from './naive-aggregate.ts'

const SEED = 4711

function writeAll(ring: TapRing, rows: readonly Row[]): void {
  for (const row of rows)
    ring.write(row.bucketStartMs, row.module, row.status, row.ttfbMs, row.bytes, row.flags, row.caller)
}

function requestsOf(aggregates: readonly Aggregate[]): number {
  return aggregates.flatMap(({ modules }) => modules).reduce((sum, { requests }) => sum + requests, 0)
}

/** How many latencies a module has, the smallest and the largest. */
function latenciesOf(module: ModuleAggregate | undefined): number[] {
  const sketch = new Sketch(loadCore())
  if (module) sketch.merge(module.latency)
  return [sketch.count, sketch.quantile(0), sketch.quantile(1)]
}

/** Within the sketch's relative error. */
function near(ms: number): unknown {
  return expect.closeTo(ms, -Math.log10(2 * SKETCH_ALPHA * ms))
}

describe('TapRing', () => {
  it(`drains to what a naive aggregation gives, drain after drain (seed ${SEED})`, () => {
    const random = seededRandom(SEED)
    const core = loadCore()
    const ring = new TapRing(core, { capacity: 3000 })
    for (const buckets of [1, 2, 3, 40, 1]) {
      const rows = Array.from({ length: 3000 }, () => randomRow(random, buckets))
      writeAll(ring, rows)
      const drained = ring.drain()
      const expected = naiveAggregate(rows)
      const expectedCalls = naiveCalls(rows)
      expect(drained.map(({ bucketStartMs }) => bucketStartMs)).toEqual(
        [...expected.keys()].sort((a, b) => a - b),
      )
      for (const aggregate of drained) {
        const cells = expected.get(aggregate.bucketStartMs)
        const counts = countsOf(aggregate)
        expect(aggregate.calls ?? []).toEqual(expectedCalls.get(aggregate.bucketStartMs))
        expect([...counts.keys()]).toEqual([...(cells?.keys() ?? [])].sort((a, b) => a - b))
        for (const { module, latency } of aggregate.modules) {
          const { latencies = [], ...naive } = cells?.get(module) ?? {}
          expect(counts.get(module)).toEqual(naive)
          const sketch = new Sketch(core)
          for (const ms of latencies) sketch.add(ms)
          expect(latency).toEqual(sketch.encode())
          sketch.release()
        }
      }
    }
    expect(ring.dropped).toBe(0)
    expect(ring.drain()).toEqual([])
  })

  it('counts what it drops when full, keeps what it has, and takes more after a drain', () => {
    const ring = new TapRing(loadCore(), { capacity: 10 })
    for (let i = 0; i < 25; i++) ring.write(1000, 0, 200, 1, 0, 0)
    expect(ring.dropped).toBe(15)
    expect(ring.pending).toBe(10)
    expect(requestsOf(ring.drain())).toBe(10)
    ring.write(1000, 0, 200, 1, 0, 0)
    expect(requestsOf(ring.drain())).toBe(1)
    expect(ring.dropped).toBe(15)
  })

  it('loses no request when there are more buckets than one drain tells apart', () => {
    const ring = new TapRing(loadCore(), { capacity: 1000 })
    for (let i = 999; i >= 0; i--) ring.write(1000 * i, i % 32, 200, 1, 0, 0)
    const drained = ring.drain()
    expect(drained.map(({ bucketStartMs }) => bucketStartMs)).toEqual(
      Array.from({ length: MAX_BUCKETS }, (_, index) => 1000 * index),
    )
    expect(requestsOf(drained)).toBe(1000)
    expect(requestsOf(drained.slice(0, -1))).toBe(MAX_BUCKETS - 1)
    expect(ring.pending).toBe(0)
  })

  it('drops and counts a record whose bucket is not a number', () => {
    const ring = new TapRing(loadCore())
    for (const start of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      ring.write(start, 0, 200, 1, 0, 0)
    }
    expect(ring.dropped).toBe(3)
    expect(ring.drain()).toEqual([])
  })

  it('takes a module index it cannot know as unrouted, and values beyond all measure as the nearest sane ones', () => {
    const ring = new TapRing(loadCore())
    const modules = [-1, 32, 1e12, Number.NaN, Number.POSITIVE_INFINITY, UNROUTED]
    for (const module of modules) ring.write(1000, module, 200, 1, 0, 0)
    ring.write(1000, 3.7, Number.NaN, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0xfffc)
    const [aggregate] = ring.drain()
    expect(aggregate?.modules.map(({ module, requests }) => [module, requests])).toEqual([
      [3, 1],
      [UNROUTED, modules.length],
    ])
    expect(aggregate?.modules[0]).toMatchObject({
      errors4xx: 0,
      errors5xx: 0,
      unreachable: 0,
      shed: 0,
      bytesOut: 2 ** 53,
    })
    expect(latenciesOf(aggregate?.modules[0])).toEqual([1, near(1e6), near(1e6)])
  })

  it('takes a caller it cannot know as outside, and says nothing of calls where there are none', () => {
    const ring = new TapRing(loadCore())
    const unknown = [-1, 31, 32, 1e12, Number.NaN, Number.POSITIVE_INFINITY]
    for (const caller of unknown) ring.write(1000, 4, 200, 1, 0, 0, caller)
    ring.write(1000, 4, 200, 1, 0, 0)
    expect(ring.drain()[0]).not.toHaveProperty('calls')
    ring.write(1000, 4, 599, 1, 0, FLAG_SHED | FLAG_UNREACHABLE, 30)
    const [aggregate] = ring.drain()
    expect(aggregate?.calls).toEqual([{ caller: 30, callee: 4, requests: 1 }])
    expect(aggregate?.modules[0]).toMatchObject({ module: 4, errors5xx: 1, shed: 1, unreachable: 1 })
  })

  it('tells unreachable and shed apart from the status', () => {
    const ring = new TapRing(loadCore())
    ring.write(0, 0, 502, 3, 0, FLAG_UNREACHABLE)
    ring.write(0, 0, 429, 0, 0, FLAG_SHED)
    ring.write(0, 0, 504, 9, 0, FLAG_SHED | FLAG_UNREACHABLE)
    const module = ring.drain()[0]?.modules[0]
    expect(module).toMatchObject({
      requests: 3,
      errors4xx: 1,
      errors5xx: 2,
      unreachable: 2,
      shed: 2,
    })
    expect(latenciesOf(module)).toEqual([2, near(3), near(9)])
  })

  it('leaves its neighbours in the core alone, at every capacity', () => {
    const core = loadCore()
    const before = new Sketch(core)
    before.add(7)
    const seven = before.quantile(0.5)
    for (const capacity of [1, 2, 3, 7, 64]) {
      const ring = new TapRing(core, { capacity })
      const after = new Sketch(core)
      after.add(7)
      for (let i = 0; i < capacity + 3; i++) ring.write(i, i, 500, 2, 10, 3)
      expect(requestsOf(ring.drain())).toBe(capacity)
      expect([after.count, after.quantile(0.5)]).toEqual([1, seven])
      after.release()
    }
    expect([before.count, before.quantile(0.5)]).toEqual([1, seven])
  })

  it('refuses a capacity that makes no sense', () => {
    for (const capacity of [0, -1, 1.5, 65_537, Number.NaN]) {
      expect(() => new TapRing(loadCore(), { capacity })).toThrow(/capacity must be an integer/)
    }
  })
})
