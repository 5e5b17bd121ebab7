import { toRelative } from './forecast-window.ts'
import type { SeasonalMemory } from './seasonal-memory.ts'
import { LOOKBACK, type SeriesHistory } from './series.ts'

const DAY_S = 86_400
const DAY_MS = 86_400_000
/** Days are compared by means of this much time on either side of the moment. */
const HALF_S = 1800
/** A share of the level that keeps ratios of quiet hours finite. */
const FLOOR = 0.05
const LAGS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 20, 30, 45, 59]
const MEANS = [3, 8, 20]
const SPANS_S = [7200, 21_600, DAY_S]
/** Stretches before the window, in windows; only what lies within a day is told. */
const BEFORE = [1, 1.5, 2, 3, 5, 8, 12]
const WEEK = [1, 2, 3, 4, 5, 6, 7]
const DAYS_APART = [1, 2, 7]

/** What a series' own past says of a target. NaN where it is not known. */
export interface SeasonalView {
  /** Median over the last seven days of ln(rate at the target's time / rate at the origin's time). */
  readonly ratio: number
  /** Rates relative to the level: of single steps; means of the last ones and of hours; and before the window. */
  readonly lags: readonly number[]
  readonly means: readonly number[]
  readonly spans: readonly number[]
  readonly before: readonly number[]
  /** Of a day, two days and a week ago, and in the mean of the week: the rate at the target's time, relative to the level. */
  readonly values: readonly number[]
  /** How the rate went on then, as `ratio`: of these days, their mean, and the median. */
  readonly ratios: readonly number[]
  /** Share of the day that is over at the origin, and the day of the week (0 = Monday). */
  readonly day: number
  readonly weekday: number
  /** All of this and the logarithm of the level, in a fixed order. */
  readonly features: readonly number[]
}

/**
 * The view of one target from a series' own past.
 * @param level the window's level (see windowFeatures)
 */
export function seasonalView(
  history: SeriesHistory,
  memory: SeasonalMemory,
  level: number,
  aheadS: number,
): SeasonalView {
  const { rps, endMs, stepS } = history
  const lag = (steps: number) => rps[rps.length - 1 - steps] ?? Number.NaN
  const relative = (rate: number) => toRelative(rate, level)
  const now = endMs - stepS * 1000
  const week = WEEK.map((day) => {
    const then = now - day * DAY_MS
    // a slot that is not over yet is not known: the mean around the target ends at the origin
    const target = memory.mean(then + aheadS * 1000, Math.min(HALF_S, Math.max(0, day * DAY_S - aheadS)))
    const origin = memory.mean(then, HALF_S)
    return { ratio: Math.log((target + FLOOR * level) / (origin + FLOOR * level)), value: relative(target) }
  })
  const ratiosKnown = known(week.map(({ ratio }) => ratio))
  const ratio = ratiosKnown.toSorted((a, b) => a - b)[ratiosKnown.length >> 1] ?? Number.NaN
  const local = now / DAY_MS
  const day = local - Math.floor(local)
  const weekday = (Math.floor(local) + 3) % 7
  const ofDay = (apart: number) => week[apart - 1] ?? { ratio: Number.NaN, value: Number.NaN }
  const lags = LAGS.map((steps) => relative(lag(steps)))
  const means = MEANS.map((size) => relative(mean(known(rps.slice(-size)))))
  const spans = SPANS_S.map((spanS) => relative(memory.mean(now - spanS * 500, spanS / 2)))
  const before = BEFORE.slice(1).map((to, at) => {
    const fromS = (BEFORE[at] ?? 0) * LOOKBACK * stepS
    const toS = Math.min(DAY_S, to * LOOKBACK * stepS)
    const isWithinDay = fromS < toS
    return isWithinDay ? relative(memory.mean(now - (fromS + toS) * 500, (toS - fromS) / 2)) : Number.NaN
  })
  const values = [
    ...DAYS_APART.map((apart) => ofDay(apart).value),
    mean(known(week.map(({ value }) => value))),
  ]
  const ratios = [...DAYS_APART.map((apart) => ofDay(apart).ratio), mean(ratiosKnown), ratio]
  const features = [
    ...lags,
    ...means,
    ...spans,
    ...before,
    ...values,
    ...ratios,
    day,
    weekday,
    Math.log(level),
  ]
  return { ratio, lags, means, spans, before, values, ratios, day, weekday, features }
}

/** Features in a view. */
export const SEASONAL_FEATURES =
  LAGS.length + MEANS.length + SPANS_S.length + (BEFORE.length - 1) + 2 * (DAYS_APART.length + 1) + 1 + 3

function known(values: readonly number[]): number[] {
  return values.filter((value) => !Number.isNaN(value))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
