import { describe, expect, it } from 'vitest'
import { normal } from '../../../central/train/sampling.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { type Reading, type SeriesMemory, SeriesWatch } from '../../../core-wasm/anomaly/series-watch.ts'
import type { StreamState } from '../../../core-wasm/anomaly/stream-detector.ts'

const SEED = 17
const MINUTE_MS = 60_000
const DAY = 1440

/** Minutes of two modules: `cart` with a daily wave, `payment` as it is; neither ever fails. */
function minutes(count: number, seed = SEED): Reading[][] {
  const random = seededRandom(seed)
  const of = (module: string, rate: number, ms: number): Reading[] => [
    { module, measure: 'rate', value: rate * Math.exp(0.05 * normal(random)) },
    { module, measure: 'errors', value: 0 },
    { module, measure: 'latency', value: ms * Math.exp(0.05 * normal(random)) },
  ]
  return Array.from({ length: count }, (_, minute) => [
    ...of('cart', 100 + 40 * Math.sin((2 * Math.PI * minute) / DAY), 30),
    ...of('payment', 20, 95),
  ])
}

/** The minute with some values exchanged, by `module measure`. */
function changed(minute: readonly Reading[], values: Readonly<Record<string, number>>): Reading[] {
  return minute.map((reading) => ({
    ...reading,
    value: values[`${reading.module} ${reading.measure}`] ?? reading.value,
  }))
}

function watched(rows: readonly Reading[][], watch = new SeriesWatch(), from = 0): SeriesWatch {
  rows.forEach((row, minute) => {
    watch.push(row, (from + minute) * MINUTE_MS)
  })
  return watch
}

const copy = (memory: SeriesMemory): SeriesMemory =>
  new Map([...memory].map(([key, state]) => [key, JSON.parse(JSON.stringify(state)) as StreamState]))

const DAYS = 3
const past = minutes(DAYS * DAY + 10)
const known = watched(past.slice(0, DAYS * DAY)).memory()
const now = past[DAYS * DAY] ?? []
/** What a watch that knows three days says of one more minute. */
const judge = (minute: readonly Reading[], memory = copy(known)) =>
  new SeriesWatch(memory).push(minute, DAYS * DAY * MINUTE_MS)

describe(`watch of the series of minutes (seed ${SEED})`, () => {
  it('finds ordinary minutes ordinary: of three days, hardly one reaches 0.7', () => {
    const watch = new SeriesWatch()
    const scores = past.map((row, minute) => watch.push(row, minute * MINUTE_MS).score)
    expect(scores.filter((score) => score >= 0.7).length).toBeLessThanOrEqual(3)
    for (const score of scores) expect(score >= 0 && score <= 1).toBe(true)
  })

  it('knows nothing in its first fifty minutes, whatever happens in them', () => {
    const wild = past.slice(0, 50).map((row, minute) => changed(row, { 'cart rate': 7 ** (minute % 20) }))
    const watch = new SeriesWatch()
    for (const [minute, row] of wild.entries())
      expect(watch.push(row, minute * MINUTE_MS)).toEqual({ score: 0, signals: [] })
  })

  it('names the series that leaves its past, the rarest first, with what was usual in its own unit', () => {
    const { score, signals } = judge(changed(now, { 'payment latency': 800, 'payment rate': 35 }))
    expect(score).toBeGreaterThanOrEqual(0.7)
    expect(signals[0]).toMatchObject({ module: 'payment', measure: 'latency', value: 800 })
    expect(signals[0]?.usual).toBeGreaterThan(85)
    expect(signals[0]?.usual).toBeLessThan(105)
    const rate = signals.find(({ measure }) => measure === 'rate')
    expect(rate?.usual).toBeGreaterThan(18)
    expect(rate?.usual).toBeLessThan(22)
    const surprises = signals.map(({ surprise }) => surprise)
    expect(surprises).toEqual(surprises.toSorted((a, b) => b - a))
  })

  it('sees a series move that never moved before, but not by next to nothing', () => {
    const [first] = judge(changed(now, { 'payment errors': 0.3 })).signals
    expect(first).toMatchObject({ module: 'payment', measure: 'errors', usual: 0 })
    for (const slight of [1e-9, 0.001, 0.004])
      expect(
        judge(changed(now, { 'payment errors': slight })).signals.map(({ measure }) => measure),
      ).not.toContain('errors')
  })

  it('sees a quiet module fall silent', () => {
    const random = seededRandom(SEED)
    const rows = Array.from({ length: 2000 }, (): Reading[] => [
      { module: 'quiet', measure: 'rate', value: 0.6 + 0.1 * random.next() },
    ])
    const { signals } = watched(rows).push([{ module: 'quiet', measure: 'rate', value: 0 }], 2000 * MINUTE_MS)
    expect(signals).toMatchObject([{ module: 'quiet', value: 0 }])
  })

  it('sees latencies on a scale of shares: ten times as much is as odd of 3 ms as of 300', () => {
    const random = seededRandom(SEED)
    const rows = Array.from({ length: 2000 }, () => {
      const noise = Math.exp(0.1 * normal(random))
      return [3, 300].map((ms): Reading => ({ module: `${ms}`, measure: 'latency', value: ms * noise }))
    })
    const watch = watched(rows)
    const odd = [3, 300].map((ms): Reading => ({ module: `${ms}`, measure: 'latency', value: ms * 10 }))
    const surprises = watch.push(odd, 2000 * MINUTE_MS).signals.map(({ surprise }) => surprise)
    expect(surprises).toHaveLength(2)
    expect(Math.abs((surprises[0] ?? 0) - (surprises[1] ?? 9))).toBeLessThan(0.2)
  })

  it('is less sure of the same minute, the more series it watches', () => {
    const odd = changed(now, { 'payment latency': 130 })
    const alone = [...known].filter(([key]) => key === 'latency payment')
    const among = judge(odd).signals.find(
      ({ module, measure }) => module === 'payment' && measure === 'latency',
    )
    const [single] = judge(
      odd.filter(({ module, measure }) => module === 'payment' && measure === 'latency'),
      copy(new Map(alone)),
    ).signals
    expect((single?.surprise ?? 0) - (among?.surprise ?? 0)).toBeCloseTo(Math.log10(6), 10)
  })

  it('leaves out what was not measured, and learns nothing of it', () => {
    const hole = changed(now, { 'payment latency': Number.NaN, 'payment rate': Number.POSITIVE_INFINITY })
    const watch = new SeriesWatch(copy(known))
    const { signals } = watch.push(hole, DAYS * DAY * MINUTE_MS)
    expect(signals.filter(({ module }) => module === 'payment')).toEqual([])
    for (const key of ['latency payment', 'rate payment'])
      expect(watch.memory().get(key)).toEqual(known.get(key))
    expect(watch.memory().get('rate cart')).not.toEqual(known.get('rate cart'))
  })

  it('forgets series that are no longer read', () => {
    const watch = new SeriesWatch(copy(known))
    const only = (module: string) => now.filter((reading) => reading.module === module)
    watch.push(only('cart'), DAYS * DAY * MINUTE_MS)
    expect([...watch.memory().keys()]).toEqual(['rate cart', 'errors cart', 'latency cart'])
    const again = watch.push(
      changed(only('payment'), { 'payment latency': 9000 }),
      (DAYS * DAY + 1) * MINUTE_MS,
    )
    expect(again).toEqual({ score: 0, signals: [] })
  })

  it('goes on from its memory, as JSON, as if it had never stopped', () => {
    const kept = new SeriesWatch(copy(known))
    let resumed = new SeriesWatch(copy(known))
    for (let minute = 0; minute < 10; minute++) {
      const row = changed(past[DAYS * DAY + minute] ?? [], minute === 5 ? { 'cart rate': 900 } : {})
      const atMs = (DAYS * DAY + minute) * MINUTE_MS
      expect(resumed.push(row, atMs)).toEqual(kept.push(row, atMs))
      resumed = new SeriesWatch(copy(resumed.memory()))
    }
  })
})
