import { type ForecastQuantiles, readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { SeriesForecaster } from '../../contract/model/series-forecaster.ts'
import { type Random, seededRandom } from '../../contract/ports.ts'
import type { ForecastSession } from '../train/forecast-session.node.ts'
import { normal, poisson } from '../train/sampling.ts'
import { historyAt, type TrafficSeries } from '../train/traffic-series.ts'

/** A flash sale: from 500 to 8,000 requests a second, by equal factors (as the replay's) or by equal amounts. */
export interface Ramp {
  readonly form: 'factors' | 'amounts'
  readonly minutes: number
}

export const RAMPS: readonly Ramp[] = [
  { form: 'factors', minutes: 10 },
  { form: 'factors', minutes: 15 },
  { form: 'factors', minutes: 30 },
  { form: 'amounts', minutes: 15 },
  { form: 'amounts', minutes: 30 },
]

const SEEDS = 20
const [LOW, HIGH, THRESHOLD] = [500, 8000, 5000]
/** Minute at which the rise begins. */
const FROM = 70
const MINUTES = 130
const START_MS = Date.UTC(2026, 10, 27, 18)
/** A threshold that is passed within so many minutes of the call makes it a right one; calls nearer than an hour are one. */
const RIGHT_MIN = 15
const ONE_CALL_MIN = 60

/** What a ramp's minute is: its rate, without noise. */
function rampRps({ form, minutes }: Ramp, minute: number): number {
  const share = Math.min(1, Math.max(0, (minute - FROM) / minutes))
  const usual = LOW * (1 + 0.06 * Math.sin((2 * Math.PI * minute) / 45))
  return form === 'factors' ? usual * (HIGH / LOW) ** share : usual + (HIGH - LOW) * share
}

/**
 * Minutes by which p90 at +5 min passes 5,000 RPS before the rate does, for each of 20 seeds, in order.
 * @param counted requests that stand for one that is counted: 1 = live traffic, 10 × 60 = the replay's, which is noisier
 */
export async function surgeLeads(session: ForecastSession, ramp: Ramp, counted: number): Promise<number[]> {
  let crossedAt = FROM
  while (rampRps(ramp, crossedAt) <= THRESHOLD) crossedAt += 1 / 60
  const leads: number[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    const series = rampSeries(ramp, counted, seededRandom(seed))
    const called = await firstCall(session, series)
    leads.push(crossedAt - called)
  }
  return leads.sort((a, b) => a - b)
}

/** A series' first minute's end at which p90 is above the threshold; infinite when there is none. */
async function firstCall(session: ForecastSession, series: TrafficSeries): Promise<number> {
  const forecasts = await forecastsOf(session, series)
  const at = forecasts.findIndex(({ in5 }) => in5.p90 > THRESHOLD)
  return at < 0 ? Number.POSITIVE_INFINITY : LOOKBACK + at
}

/** Forecasts at the end of each minute from the sixtieth on. */
export async function forecastsOf(
  session: ForecastSession,
  series: TrafficSeries,
): Promise<ForecastQuantiles[]> {
  const histories = Array.from({ length: series.rps.length - LOOKBACK + 1 }, (_, at) =>
    historyAt(series, LOOKBACK - 1 + at),
  )
  const windows = histories.map(windowFeatures)
  const output = await session.run(windows.map(({ features }) => features))
  const forecaster = new SeriesForecaster(series.stepS)
  return histories.map((history, at) =>
    forecaster.step(history, readForecast(output, windows[at]?.level ?? 0, at)),
  )
}

export function rampSeries(ramp: Ramp, counted: number, random: Random): TrafficSeries {
  const rps = Float64Array.from({ length: MINUTES }, (_, minute) => {
    const rate = rampRps(ramp, minute + 0.5) * (1 + 0.03 * normal(random))
    return (poisson(random, (rate * 60) / counted) * counted) / 60
  })
  return { name: 'flash sale', stepS: 60, startMs: START_MS, rps }
}

/** Counts calls of a surge (p90 at +5 min above a threshold) that no surge followed. */
export class FalseSurges {
  readonly #series: TrafficSeries
  readonly #thresholdRps: number
  #lastCall = Number.NEGATIVE_INFINITY
  #wrong = 0
  #minutes = 0

  constructor(series: TrafficSeries, thresholdRps: number) {
    this.#series = series
    this.#thresholdRps = thresholdRps
  }

  add(origin: number, { in5 }: ForecastQuantiles): void {
    this.#minutes++
    if (in5.p90 <= this.#thresholdRps) return
    const isNew = origin - this.#lastCall > ONE_CALL_MIN
    this.#lastCall = origin
    if (!isNew) return
    const soon = this.#series.rps.subarray(origin, origin + RIGHT_MIN + 1)
    if (!soon.some((rps) => rps > this.#thresholdRps)) this.#wrong++
  }

  get perWeek(): number {
    return (this.#wrong * 7 * 1440) / this.#minutes
  }
}
