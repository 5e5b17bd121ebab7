import { describe, expect, it } from 'vitest'
import { adapt } from '../../../central/train/adapt.ts'
import { BOOSTING } from '../../../central/train/boosting.ts'
import { normal } from '../../../central/train/sampling.ts'
import { historyAt, type TrafficSeries } from '../../../central/train/traffic-series.ts'
import type { ForecastQuantiles } from '../../../contract/model/forecast-window.ts'
import { SeriesForecaster, type SeriesForecasterState } from '../../../contract/model/series-forecaster.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { SeriesBook } from '../../../edge/predict/series-book.ts'

const SEED = 11
const STEP_S = 300
const DAY = 86_400 / STEP_S

/** A site with a daily wave and noise, in steps of five minutes; `rush` times the rate in an hour of the evening. */
function site(days: number, rush = 1): TrafficSeries {
  const random = seededRandom(SEED)
  const rps = Float64Array.from({ length: days * DAY }, (_, at) => {
    const isRush = at % DAY >= (20 / 24) * DAY && at % DAY < (21 / 24) * DAY
    const wave = Math.sin((2 * Math.PI * at) / DAY)
    return (isRush ? rush : 1) * 100 * Math.exp(wave + 0.1 * normal(random))
  })
  return { name: 'site', stepS: STEP_S, startMs: Date.UTC(2026, 0, 5), rps }
}

/** A reference that says "as now", with a narrow interval. */
function asNow(rps: number): ForecastQuantiles {
  const quantiles = { p10: rps * 0.99, p50: rps, p90: rps * 1.01 }
  return { in5: quantiles, in15: quantiles, in60: quantiles }
}

/** Mean absolute error and coverage at +60 min over the samples from `from` on. */
function run(forecaster: SeriesForecaster, series: TrafficSeries, from: number) {
  const ahead = 3600 / STEP_S
  let [error, referenceError, inside, n] = [0, 0, 0, 0]
  for (let origin = 60; origin + ahead < series.rps.length; origin++) {
    const now = series.rps[origin] ?? 0
    const { in60 } = forecaster.step(historyAt(series, origin), asNow(now))
    const actual = series.rps[origin + ahead] ?? 0
    if (origin < from) continue
    n++
    error += Math.abs(in60.p50 - actual)
    referenceError += Math.abs(now - actual)
    if (in60.p10 <= actual && actual <= in60.p90) inside++
  }
  return { error: error / n, referenceError: referenceError / n, coverage: inside / n }
}

describe(`the forecaster of one series (seed ${SEED})`, () => {
  it('learns from its errors: better than its reference, and its interval holds four in five', () => {
    const { error, referenceError, coverage } = run(new SeriesForecaster(STEP_S), site(14), 7 * DAY)
    expect(error).toBeLessThan(0.8 * referenceError)
    expect(coverage).toBeGreaterThan(0.75)
    expect(coverage).toBeLessThan(0.85)
  })

  it('is better still with regressions fitted to its own past, which are the same for the same past', () => {
    const series = site(8, 4)
    const few = { seed: SEED, boosting: { ...BOOSTING, rounds: 60 } }
    const fitted = () => adapt(series, 5 * DAY, (origin) => asNow(series.rps[origin] ?? 0), few)
    const adapted = fitted()
    expect(adapted).toEqual(fitted())
    const plain = run(new SeriesForecaster(STEP_S), series, 5 * DAY)
    const own = run(new SeriesForecaster(STEP_S, { adapted }), series, 5 * DAY)
    expect(own.error).toBeLessThan(0.98 * plain.error)
  }, 30_000)

  it('goes on after a restart as if there had been none', () => {
    const series = site(3)
    const one = new SeriesForecaster(STEP_S)
    let other = new SeriesForecaster(STEP_S)
    for (let origin = 60; origin < 500; origin++) {
      const state = JSON.parse(JSON.stringify(other.state()), (_, value) => value ?? Number.NaN)
      if (origin % 50 === 0) other = new SeriesForecaster(STEP_S, { state: state as SeriesForecasterState })
      const reference = asNow(series.rps[origin] ?? 0)
      const expected = one.step(historyAt(series, origin), reference)
      expect(other.step(historyAt(series, origin), reference)).toEqual(expected)
    }
    expect(other.rolling).toEqual(one.rolling)
  }, 30_000)

  it('takes the week, and not the experts, from what a build with other experts kept', () => {
    const series = site(2)
    const before = new SeriesForecaster(STEP_S)
    for (let origin = 60; origin < 500; origin++) before.step(historyAt(series, origin), asNow(100))
    const { blends, corrections, ...kept } = before.state()
    const state = { ...kept, mixes: [{ weights: [1], scale: 1 }] } as unknown as SeriesForecasterState
    const after = new SeriesForecaster(STEP_S, { state })
    expect(after.endMs).toBe(before.endMs)
    expect(after.state().memory).toEqual(before.state().memory)
    expect(after.step(historyAt(series, 500), asNow(100)).in60.p50).toBeGreaterThan(0)
  })

  it('publishes its error beside the reference and the day before', () => {
    const forecaster = new SeriesForecaster(STEP_S)
    run(forecaster, site(3), 0)
    expect(forecaster.rolling.known).toBeGreaterThan(2 * DAY)
    expect(forecaster.rolling.champion).toBeLessThan(forecaster.rolling.seasonalNaive)
  })

  it('counts a forecast once when a history is asked about again, and bears gaps', () => {
    const series = site(2)
    series.rps.fill(Number.NaN, 200, 210)
    const forecaster = new SeriesForecaster(STEP_S)
    for (let origin = 60; origin < 400; origin++) {
      for (let again = 0; again < 2; again++) {
        const { in5 } = forecaster.step(historyAt(series, origin), asNow(100))
        expect(in5.p10).toBeLessThanOrEqual(in5.p50)
        expect(in5.p50).toBeLessThanOrEqual(in5.p90)
      }
    }
    expect(forecaster.rolling.known).toBe(400 - 60 - 1 - 10)
  })
})

describe('the book of series', () => {
  const storage = () => {
    const kept = new Map<string, unknown>()
    return {
      kept,
      get: async <T>(key: string) => structuredClone(kept.get(key)) as T | undefined,
      put: async <T>(key: string, value: T) => void kept.set(key, structuredClone(value)),
      delete: async (key: string) => kept.delete(key),
    }
  }

  it('keeps each series apart and through a restart, and begins anew when time goes back', async () => {
    const series = site(2)
    const disk = storage()
    let book = new SeriesBook(disk)
    const ask = (name: string, origin: number) =>
      book.forecast({ ...historyAt(series, origin), name }, asNow(series.rps[origin] ?? 0), 'm')
    for (let origin = 60; origin < 80; origin++) await ask('total', origin)
    expect((await ask('cart', 80)).rolling?.known).toBe(0)
    book = new SeriesBook(disk)
    const after = await ask('total', 80)
    expect(after.rolling?.known).toBe(20)
    expect(after).toMatchObject({ model: 'm', madeAtMs: historyAt(series, 80).endMs })
    expect((await ask('total', 70)).rolling?.known).toBe(0)
  })
})
