import { describe, expect, it } from 'vitest'
import { type Aggregate, type CallCount, UNROUTED } from '../../../contract/aggregate.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { SKETCH_ALPHA, Sketch } from '../../../core-wasm/sketch.ts'
import { MinuteBook } from '../../../edge/pop/minute-book.ts'
import { RateMeter } from '../../../edge/pop/rate-meter.ts'
import { summarise } from '../../../edge/pop/tick-summary.ts'
import { isRepeat, nextTickMs } from '../../../edge/pop/tick-time.ts'

const MINUTE = 60_000

function aggregate(
  bucketStartMs: number,
  module: number,
  requests: number,
  { errors5xx = 0, latencies = [], calls }: Reported = {},
): Aggregate {
  const part = { module, requests, errors4xx: 0, errors5xx, unreachable: 0, shed: 0, bytesOut: 0 }
  const modules = [{ ...part, latency: sketchOf(latencies) }]
  return { bucketStartMs, modules, ...(calls && { calls }) }
}

interface Reported {
  readonly errors5xx?: number
  readonly latencies?: readonly number[]
  readonly calls?: readonly CallCount[]
}

function sketchOf(latencies: readonly number[]): Uint8Array {
  const sketch = new Sketch(loadCore())
  for (const ms of latencies) sketch.add(ms)
  return sketch.encode()
}

/** The 95 % quantile within the sketch's error. */
function p95(latencies: readonly number[]): unknown {
  const exact = latencies.toSorted((a, b) => a - b)[Math.floor(0.95 * (latencies.length - 1))] ?? Number.NaN
  return expect.closeTo(exact, -Math.log10(2 * SKETCH_ALPHA * exact))
}

describe('summarise', () => {
  it('counts a request that met no origin as one error (it is among the 5xx), of those that no limit refused', () => {
    const counts = {
      requests: 10,
      errors4xx: 1,
      errors5xx: 4,
      unreachable: 3,
      shed: 0,
      bytesOut: 0,
      limited: 0,
    }
    const totals = { ...counts, p50Ms: 1, p95Ms: 2, p99Ms: 3 }
    expect(summarise(totals, 5000, 10)).toMatchObject({ errorRate: 0.4, unreachableRate: 0.3 })
    const flooded = { ...totals, requests: 110, errors4xx: 101, shed: 100, limited: 100 }
    expect(summarise(flooded, 5000, 10)).toMatchObject({ errorRate: 0.4, unreachableRate: 0.3 })
  })
})

describe('RateMeter', () => {
  const options = { weight: 1, tickMs: 1000, speed: 1 }

  it('averages over the last ten trace seconds', () => {
    const meter = new RateMeter(options)
    expect(meter.rps(0)).toBe(0)
    for (let second = 0; second < 30; second++) meter.push(1000, Float64Array.of(second < 20 ? 100 : 40))
    expect(meter.rps(0)).toBe(40)
    meter.push(1000, Float64Array.of(50))
    expect(meter.rps(0)).toBe(41)
  })

  it('weighs requests and follows trace time', () => {
    const meter = new RateMeter({ weight: 600, tickMs: 100, speed: 60 })
    meter.push(6000, Float64Array.of(10))
    meter.push(6000, Float64Array.of(20))
    expect(meter.rps(0)).toBe((30 * 600) / 12)
  })

  it('covers four ticks when a tick is long, so that a late flush does not swing it', () => {
    const meter = new RateMeter({ weight: 1, tickMs: 200, speed: 600 })
    for (const count of [0, 240, 120, 120]) meter.push(120_000, Float64Array.of(count))
    expect(meter.rps(0)).toBe(1)
  })

  it('adds what comes while time stands still to the last tick', () => {
    const meter = new RateMeter(options)
    meter.push(1000, Float64Array.of(1))
    meter.push(0, Float64Array.of(2))
    meter.push(-5, Float64Array.of(3))
    expect(meter.rps(0)).toBe(6)
  })

  it('moves counts with their series', () => {
    const meter = new RateMeter(options)
    meter.push(1000, Float64Array.of(5, 7, 0))
    meter.remap((series) => 2 - series)
    expect([meter.rps(0), meter.rps(1), meter.rps(2)]).toEqual([0, 7, 5])
  })
})

describe('MinuteBook', () => {
  const options = (fromMs = 0) => ({ core: loadCore(), fromMs, weight: 2, graceMs: 2000 })
  const make = () => new MinuteBook(options())

  it('closes a minute after its grace, with the requests of its buckets', () => {
    const book = make()
    book.cover(0, MINUTE)
    book.add(aggregate(1000, 0, 60))
    book.add(aggregate(59_000, UNROUTED, 60, { errors5xx: 30 }))
    book.add(aggregate(60_000, 0, 999))
    expect(book.close(MINUTE + 1999, 1, 9)).toEqual([])
    const [minute, ...more] = book.close(MINUTE + 2000, 1, 9)
    expect(more).toEqual([])
    expect(minute).toMatchObject({ minuteStartMs: 0, rps: 4, errorRate: 0.25, requests: 240 })
    expect(minute?.modules).toMatchObject([{ rps: 2, errorRate: 0, p95Ms: Number.NaN, requests: 120 }])
  })

  it('begins anew when the clock is set back, and waits where it is only a moment', () => {
    const wrong = 1_000 * MINUTE
    const book = new MinuteBook(options(wrong))
    book.cover(wrong, wrong + MINUTE)
    book.add(aggregate(wrong, 0, 999))
    expect(book.close(wrong - MINUTE, 1, 9)).toEqual([])
    expect(book.close(wrong + MINUTE + 2000, 1, 9)).toMatchObject([{ minuteStartMs: wrong, rps: 33.3 }])
    book.close(10 * MINUTE, 1, 9)
    book.cover(10 * MINUTE, 11 * MINUTE)
    book.add(aggregate(10 * MINUTE, 0, 60))
    expect(book.close(11 * MINUTE + 2000, 1, 9)).toMatchObject([{ minuteStartMs: 10 * MINUTE, rps: 2 }])
  })

  it('takes what comes late within the grace, and loses what comes later', () => {
    const book = make()
    book.cover(0, 3 * MINUTE)
    book.add(aggregate(0, 0, 30))
    expect(book.close(MINUTE + 5000, 1, 9)[0]?.rps).toBe(1)
    book.add(aggregate(0, 0, 1000))
    expect(book.close(2 * MINUTE + 5000, 1, 9)[0]?.rps).toBe(0)
  })

  it('scales a minute that was half watched, and does not know one that was watched less', () => {
    const book = make()
    book.cover(30_000, MINUTE)
    book.cover(2 * MINUTE - 29_000, 2 * MINUTE)
    book.add(aggregate(40_000, 0, 30))
    book.add(aggregate(2 * MINUTE - 1000, 0, 30))
    const [half, less, none] = book.close(3 * MINUTE + 2000, 1, 9)
    expect(half?.rps).toBe(2)
    expect(less?.rps).toBeNaN()
    expect(less?.errorRate).toBeNaN()
    expect(none?.rps).toBeNaN()
    expect([half?.requests, less?.requests, none?.modules[0]?.requests]).toEqual([60, Number.NaN, Number.NaN])
  })

  it('tells no more minutes than asked for after a long absence, the newest', () => {
    const closed = make().close(1000 * MINUTE + 2000, 1, 5)
    expect(closed.map(({ minuteStartMs }) => minuteStartMs / MINUTE)).toEqual([995, 996, 997, 998, 999])
  })

  it('is the same after being put down and taken up at any moment (seed 11)', () => {
    const random = seededRandom(11)
    const [whole, parts] = [make(), { book: make() }]
    const closed: unknown[][] = [[], []]
    for (let nowMs = 0; nowMs < 10 * MINUTE; nowMs += 7000) {
      const latencies = Array.from({ length: 20 }, () => 1000 * random.next() ** 3)
      const module = Math.floor(random.next() * 3)
      const calls = [{ caller: Math.floor(random.next() * 3), callee: module, requests: 1 }]
      const part = aggregate(nowMs, module, 20, { latencies, calls })
      for (const [index, book] of [whole, parts.book].entries()) {
        book.cover(Math.max(0, nowMs - 7000), nowMs)
        book.add(part)
        closed[index]?.push(...book.close(nowMs, 3, 9))
      }
      const fromMs = MINUTE * (closed[1]?.length ?? 0)
      parts.book = new MinuteBook(options(fromMs), JSON.parse(JSON.stringify(parts.book.open())))
    }
    expect(closed[0]).toHaveLength(9)
    expect(closed[1]).toEqual(closed[0])
    expect(closed[0]?.[0]).toMatchObject({ p95Ms: expect.any(Number), calls: expect.arrayContaining([]) })
  })

  it('takes up minutes that a build before this one wrote, without calls and latencies', () => {
    const book = new MinuteBook(options(), [[0, MINUTE, [[0, 30, 3]]]])
    expect(book.close(MINUTE + 2000, 1, 9)).toMatchObject([
      { rps: 1, errorRate: 0.1, p95Ms: Number.NaN, requests: 60, calls: [] },
    ])
  })

  it('takes up the counts of a minute whose latencies it cannot read', () => {
    const book = new MinuteBook(options(), [[0, MINUTE, [[0, 30, 3, btoa('another build')]]]])
    expect(book.close(MINUTE + 2000, 1, 9)).toMatchObject([{ rps: 1, p95Ms: Number.NaN }])
  })

  it('knows the p95 of each module and of all requests together, whatever minute a report belongs to (seed 12)', () => {
    const random = seededRandom(12)
    const book = make()
    book.cover(0, 2 * MINUTE)
    const seen: number[][][] = [
      [[], [], []],
      [[], [], []],
    ]
    for (let report = 0; report < 300; report++) {
      const [minute, module] = [Math.floor(random.next() * 2), Math.floor(random.next() * 3)]
      const latencies = Array.from({ length: 7 }, () => (module + 1) * 50 * -Math.log(1 - random.next()))
      seen[minute]?.[module]?.push(...latencies)
      book.add(aggregate(minute * MINUTE, module === 2 ? UNROUTED : module, 7, { latencies }))
    }
    for (const [index, record] of book.close(2 * MINUTE + 2000, 2, 9).entries()) {
      expect(record.modules.map(({ p95Ms }) => p95Ms)).toEqual(seen[index]?.slice(0, 2).map(p95))
      expect(record.p95Ms).toEqual(p95(seen[index]?.flat() ?? []))
    }
  })

  it('knows no p95 of a minute without requests, nor of one that was hardly watched', () => {
    const book = make()
    book.cover(0, MINUTE)
    book.cover(2 * MINUTE - 5000, 2 * MINUTE)
    book.add(aggregate(2 * MINUTE - 1000, 0, 1, { latencies: [5] }))
    for (const minute of book.close(2 * MINUTE + 2000, 1, 9)) {
      expect([minute.p95Ms, minute.modules[0]?.p95Ms]).toEqual([Number.NaN, Number.NaN])
    }
  })

  it('adds up who called whom, in requests of the trace, and leaves out what is no module', () => {
    const book = make()
    book.cover(0, MINUTE)
    const call = (caller: number, callee: number, requests: number) => ({ caller, callee, requests })
    book.add(aggregate(0, 1, 9, { calls: [call(0, 1, 4), call(1, 1, 2)] }))
    book.add(aggregate(50_000, 1, 9, { calls: [call(0, 1, 3)] }))
    book.add(aggregate(50_000, UNROUTED, 9, { calls: [call(0, UNROUTED, 5)] }))
    book.add(aggregate(50_000, 0, 9, { calls: [call(7, 0, 1)] }))
    expect(book.close(MINUTE + 2000, 2, 9)[0]?.calls).toEqual([
      { caller: 0, callee: 1, requests: 14 },
      { caller: 1, callee: 1, requests: 4 },
    ])
  })

  it('moves open counts with their modules', () => {
    const book = make()
    book.cover(0, MINUTE)
    book.add(aggregate(0, 0, 30))
    book.add(aggregate(0, 1, 60))
    book.add(aggregate(0, 2, 3, { calls: [0, 1].map((caller) => ({ caller, callee: 2, requests: 1 })) }))
    book.add(aggregate(0, 0, 3, { latencies: [40, 40, 40], calls: [{ caller: 2, callee: 0, requests: 3 }] }))
    book.add(aggregate(0, 1, 3, { calls: [{ caller: 2, callee: 1, requests: 3 }] }))
    book.remap((index) => (index === 0 ? 1 : index === 1 ? UNROUTED : index))
    const [minute] = book.close(MINUTE + 2000, 3, 9)
    expect(minute?.rps).toBe(3.3)
    expect(minute?.modules.map(({ rps }) => rps)).toEqual([0, 1.1, 0.1])
    expect(minute?.modules[1]?.p95Ms).toEqual(p95([40]))
    expect(minute?.calls).toEqual([
      { caller: 1, callee: 2, requests: 2 },
      { caller: 2, callee: 1, requests: 6 },
    ])
  })
})

describe('the time of ticks', () => {
  it('stays on its grid when alarms come early or late, and skips what was missed', () => {
    expect(nextTickMs(10_000, 1000, 0)).toBe(11_000)
    expect(nextTickMs(9_999, 1000, 0)).toBe(11_000)
    expect(nextTickMs(10_400, 1000, 0)).toBe(11_000)
    expect(nextTickMs(10_700, 1000, 0)).toBe(12_000)
    expect(nextTickMs(99_999_999, 1000, 250)).toBe(100_001_250)
    const random = seededRandom(5)
    for (let nowMs = 1e12; nowMs < 1e12 + 1e5; nowMs += Math.floor(random.next() * 3000)) {
      const waitMs = nextTickMs(nowMs, 20, 7) - nowMs
      expect(waitMs).toBeGreaterThanOrEqual(10)
      expect(waitMs).toBeLessThanOrEqual(30)
    }
  })

  it('knows a repeat from a tick, also when the wall clock was set back', () => {
    expect(isRepeat(1000, 1000, 1000)).toBe(true)
    expect(isRepeat(1499, 1000, 1000)).toBe(true)
    expect(isRepeat(1500, 1000, 1000)).toBe(false)
    expect(isRepeat(900, 1000, 1000)).toBe(false)
    expect(isRepeat(0, Number.NEGATIVE_INFINITY, 1000)).toBe(false)
  })
})
