import { type BoostedTrees, sumOfTrees } from './boosted-trees.ts'
import { type ForecastQuantiles, fromRelative, toRelative } from './forecast-window.ts'
import { SEASONAL_FEATURES, type SeasonalView } from './seasonal-features.ts'
import { LOOKBACK, type SeriesHistory } from './series.ts'

/** What a regression may read, and how many numbers that is; `…AndReference`: beside them what the reference says. */
export const REGRESSION_INPUTS = {
  lags: LOOKBACK + 1,
  view: SEASONAL_FEATURES,
  lagsAndView: LOOKBACK + 1 + SEASONAL_FEATURES,
  viewAndReference: SEASONAL_FEATURES + 5,
  linear: LOOKBACK + 32,
  linearAndReference: LOOKBACK + 37,
} as const
export type RegressionInput = keyof typeof REGRESSION_INPUTS

/**
 * What a regression's number is: the rate, how it differs from the last one, either in requests a second; or the rate
 * relative to the level, or how that differs from the reference's.
 */
export const REGRESSION_ANSWERS = ['rate', 'change', 'relative', 'missed'] as const
export type RegressionAnswer = (typeof REGRESSION_ANSWERS)[number]

/** A weighted sum, with a weight for each number that is read. */
export interface Line {
  readonly base: number
  readonly weights: readonly number[]
}

/** A regression fitted to one horizon of one series: what its trees and its line say together. */
export interface Regression {
  readonly reads: RegressionInput
  readonly answers: RegressionAnswer
  readonly trees?: BoostedTrees | undefined
  readonly line?: Line | undefined
}

/** What a horizon's regressions read of one moment. */
export interface Moment {
  readonly history: SeriesHistory
  readonly view: SeasonalView
  readonly reference: ForecastQuantiles
  readonly key: keyof ForecastQuantiles
  readonly level: number
}

/** Relative rates that a linear regression reads are bounded to ± this. */
const MOST = 6
const HARMONICS = [1, 2, 3, 4]
const SATURDAY = 5

/** The numbers that a regression reads, in the order of its fit; NaN where one is not known (linear ones: 0). */
export function inputOf(reads: RegressionInput, moment: Moment): number[] {
  if (reads === 'lags') return lagFeatures(moment.history)
  if (reads === 'view') return [...moment.view.features]
  if (reads === 'lagsAndView') return [...lagFeatures(moment.history), ...moment.view.features]
  if (reads === 'viewAndReference') return [...moment.view.features, ...referenceFeatures(moment)]
  const linear = linearFeatures(moment)
  return reads === 'linear' ? linear : [...linear, ...referenceFeatures(moment).map(bounded)]
}

/** What each regression says of a moment, requests a second. */
export function ratesOf(regressions: readonly Regression[], moment: Moment): number[] {
  const inputs = new Map<RegressionInput, readonly number[]>()
  return regressions.map(({ reads, answers, trees, line }) => {
    const input = inputs.get(reads) ?? inputOf(reads, moment)
    inputs.set(reads, input)
    const number = (trees ? sumOfTrees(trees, input) : 0) + (line ? lineOf(line, input) : 0)
    return Math.max(0, rateFrom(number, answers, moment))
  })
}

/** The number that a regression should have said of a moment for a rate; the inverse of what its answer is made of. */
export function numberFor(rps: number, answers: RegressionAnswer, moment: Moment): number {
  if (answers === 'rate') return rps
  if (answers === 'change') return rps - lastOf(moment.history)
  const relative = toRelative(rps, moment.level)
  return answers === 'relative' ? relative : relative - ownOf(moment)
}

function rateFrom(number: number, answers: RegressionAnswer, moment: Moment): number {
  if (answers === 'rate') return number
  if (answers === 'change') return number + lastOf(moment.history)
  return fromRelative(bounded(answers === 'relative' ? number : number + ownOf(moment)), moment.level)
}

function lineOf({ base, weights }: Line, input: readonly number[]): number {
  let sum = base
  for (let at = 0; at < weights.length; at++) sum += (weights[at] ?? 0) * (input[at] ?? 0)
  return sum
}

/** Every rate of the window as it is, the newest last, and the time of day. */
function lagFeatures({ rps, endMs }: SeriesHistory): number[] {
  const day = endMs / 86_400_000
  return [...rps.slice(-LOOKBACK), day - Math.floor(day)]
}

/** Relative rates of the window and of the past, four waves of the day, and the weekend's difference to them. */
function linearFeatures({ history, view, level }: Moment): number[] {
  const angle = 2 * Math.PI * view.day
  const waves = HARMONICS.flatMap((times) => [Math.sin(times * angle), Math.cos(times * angle)])
  const weekend = view.weekday >= SATURDAY ? [1, waves[0] ?? 0, waves[1] ?? 0] : [0, 0, 0]
  const window = history.rps.slice(-LOOKBACK).map((rate) => toRelative(rate, level))
  const past = [...view.means, ...view.spans, ...view.before, ...view.values, ...view.ratios]
  return [...[...window, ...past].map(bounded), ...waves, ...weekend]
}

function referenceFeatures({ reference, key, level }: Moment): number[] {
  const { p10, p90 } = reference[key]
  const rates = [reference.in5.p50, reference.in15.p50, reference.in60.p50, p10, p90]
  return rates.map((rate) => toRelative(rate, level))
}

function ownOf({ reference, key, level }: Moment): number {
  return toRelative(reference[key].p50, level)
}

function lastOf({ rps }: SeriesHistory): number {
  return rps.findLast(Number.isFinite) ?? Number.NaN
}

/** What is not known counts as at the level. */
function bounded(relative: number): number {
  return Number.isNaN(relative) ? 0 : Math.min(MOST, Math.max(-MOST, relative))
}
