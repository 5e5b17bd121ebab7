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
const WEEK = [1, 2, 3, 4, 5, 6, 7]
const DAYS_APART = [1, 2, 7]

/** What a day or a week ago says of a target: how the rate went on from then to its target, and where it came to. */
export interface SeasonalView {
  /** Median over the last seven days of ln(rate at the target's time / rate at the origin's time); NaN if unknown. */
  readonly ratio: number
  /** For a regression, all relative to the level: lags, means, clock and calendar, and each day's view. */
  readonly features: readonly number[]
}

/**
 * The view of one target from a series' own past; NaN where it is not known.
 * @param level the window's level (see windowFeatures)
 */
export function seasonalView(
  history: SeriesHistory,
  memory: SeasonalMemory,
  level: number,
  aheadS: number,
): SeasonalView {
  const { rps, endMs } = history
  const lag = (steps: number) => rps[rps.length - 1 - steps] ?? Number.NaN
  const relative = (rate: number) => toRelative(rate, level)
  const now = endMs - history.stepS * 1000
  const days = WEEK.map((day) => {
    const then = now - day * DAY_MS
    // a slot that is not over yet is not known: the mean around the target ends at the origin
    const target = memory.mean(then + aheadS * 1000, Math.min(HALF_S, Math.max(0, day * DAY_S - aheadS)))
    const origin = memory.mean(then, HALF_S)
    return { ratio: Math.log((target + FLOOR * level) / (origin + FLOOR * level)), value: relative(target) }
  })
  const known = (values: readonly number[]) => values.filter((value) => !Number.isNaN(value))
  const ratios = known(days.map(({ ratio }) => ratio))
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const sorted = ratios.toSorted((a, b) => a - b)
  const ratio = sorted[sorted.length >> 1] ?? Number.NaN
  const local = now / DAY_MS
  const features = [
    ...LAGS.map((steps) => relative(lag(steps))),
    ...MEANS.map((size) => relative(mean(known(rps.slice(-size))))),
    ...[7200, 21_600, DAY_S].map((spanS) => relative(memory.mean(now - spanS * 500, spanS / 2))),
    local - Math.floor(local),
    (Math.floor(local) + 3) % 7,
    ...DAYS_APART.flatMap((day) => [days[day - 1]?.ratio ?? Number.NaN, days[day - 1]?.value ?? Number.NaN]),
    mean(ratios),
    ratio,
    mean(known(days.map(({ value }) => value))),
    Math.log(level),
  ]
  return { ratio, features }
}

/** Features in a view. */
export const SEASONAL_FEATURES = LAGS.length + MEANS.length + 3 + 2 + 2 * DAYS_APART.length + 4
/** Samples of history that a view is made from. */
export const VIEW_LOOKBACK = LOOKBACK
