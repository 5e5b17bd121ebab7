import type { Quantiles } from '../messages.ts'
import type { ForecastQuantiles } from './forecast-window.ts'
import { LOOKBACK, type SeriesHistory } from './series.ts'

/** A rise that goes on now: what it grows by, since when, and how sure that is. */
export interface Rise {
  /** Whether the rate grows by equal factors or by equal amounts. */
  readonly form: 'factors' | 'amounts'
  /** The trend's rate at the last step, requests a second. */
  readonly rps: number
  /** Per step: of the logarithm (`factors`), or requests a second (`amounts`). */
  readonly slope: number
  /** Slope of the logarithm a step in the steepest of the stretches that are a rise, and its standard error. */
  readonly growth: number
  readonly growthError: number
  /** Steps that it has lasted. */
  readonly elapsed: number
}

/** Rises are looked for over this many samples. */
const WINDOWS = { least: 3, most: 24 } as const
/** A trend must be this many of its standard errors above 0, and have come this far, at this speed a minute. */
const LEAST = { significance: 6, logRise: Math.log(1.3), logPerMin: 0.03, aboveBefore: 1.25 } as const
/** Residuals up to so many times the noise (the series' own, falling with the root of the rate), or this share, are still a line's. */
const FIT = { noises: 2, share: 0.05 } as const
const LEAST_NOISE = 0.02
/** Median absolute deviation of a normal distribution, as a share of its standard deviation. */
const MAD_NORMAL = 0.6745
/** Share of the time that it should last by for which p50 follows a rise: between its end now and its going on. */
const FOLLOWED = 0.5
/** At p90 a rise steepens by this factor; no forecast is raised above so many times the rate that is. */
const STEEPER = 1.5
const MOST_GROWTH = 16
/** Standard deviations from the median to p90. */
const Z90 = 1.2816

/**
 * The rise that a series is in, if there is one: of the stretches up to now that are a line (of least squares, through
 * the rates or through their logarithms), steep and well above the series' own noise, the one most surely so. The noise is
 * the median size of second differences, which a rise leaves as they are. A single jump is no line, a rise that ends
 * breaks its own, and what only makes up for a fall (to the median, or what was high before) is none.
 * @param rps one sample a step, the oldest first; NaN where one is missing
 */
export function riseOf(rps: readonly number[], stepS: number): Rise | null {
  const recent = rps.slice(-LOOKBACK)
  const known = recent.filter(Number.isFinite)
  const usual = Math.max(1 / stepS, quantileOf(known, 0.5))
  const noise = noiseOf(recent.map((value) => Math.log(Math.max(value, 1 / stepS))))
  let clearest: Rise | null = null
  let steepest: Rise | null = null
  for (let size = WINDOWS.least; size <= Math.min(WINDOWS.most, recent.length); size++) {
    const values = recent.slice(-size).map((value) => Math.max(value, usual))
    const highBefore = quantileOf(recent.slice(0, -size).filter(Number.isFinite), 0.9)
    if (values.some(Number.isNaN) || (recent.at(-1) ?? 0) < LEAST.aboveBefore * highBefore) continue
    const rise = lineOf(values, { noise, usual, stepS })
    if (rise === null || rise.growth < LEAST.significance * rise.growthError) continue
    if (clearest === null || rise.growth / rise.growthError > clearest.growth / clearest.growthError)
      clearest = rise
    if (steepest === null || rise.growth > steepest.growth) steepest = rise
  }
  if (clearest === null || steepest === null) return null
  return { ...clearest, growth: steepest.growth, growthError: steepest.growthError }
}

/**
 * A forecast, raised to where the rise that the series is in leads, if it is in one. A rise that has lasted e steps goes on
 * for another e with probability ½, and for another 9 e with 1/10 (J. R. Gott, "Implications of the Copernican principle
 * for our future prospects", 1993): so far p90 follows it, more steeply. p50 follows for half of the first: to be wrong by too much after its end costs
 * as much as to be wrong by too little before. p10 does not follow. What holds in an hour is not told from it.
 */
export function raiseForecast(
  forecast: ForecastQuantiles,
  history: Pick<SeriesHistory, 'rps' | 'stepS'>,
): ForecastQuantiles {
  const rise = riseOf(history.rps, history.stepS)
  if (rise === null) return forecast
  const { in5, in15, in60 } = forecast
  const stepsIn = (minutes: number) => (minutes * 60) / history.stepS
  return { in5: raise(in5, rise, stepsIn(5)), in15: raise(in15, rise, stepsIn(15)), in60 }
}

function raise(forecast: Quantiles, rise: Rise, steps: number): Quantiles {
  const { form, rps, slope, growth, growthError, elapsed } = rise
  const lasting = FOLLOWED * Math.min(steps, elapsed)
  const most = MOST_GROWTH * rps
  const middle = form === 'factors' ? rps * Math.exp(slope * lasting) : rps + slope * lasting
  const steep = STEEPER * growth + Z90 * growthError
  const high = rps * Math.exp(steep * Math.min(steps, 9 * elapsed))
  const p50 = Math.max(forecast.p50, Math.min(most, middle))
  return { p10: forecast.p10, p50, p90: Math.max(forecast.p90, p50, Math.min(most, high)) }
}

function lineOf(
  values: readonly number[],
  series: { readonly noise: number; readonly usual: number; readonly stepS: number },
): Rise | null {
  const size = values.length
  const logs = values.map(Math.log)
  const factors = lineThrough(logs)
  const now = Math.exp(factors.at(size - 1))
  const perMin = factors.slope * (60 / series.stepS)
  if (perMin < LEAST.logPerMin || factors.slope * (size - 1) < LEAST.logRise) return null
  const amounts = lineThrough(values)
  const misses = {
    factors: rootMeanSquare(logs.map((log, at) => log - factors.at(at))),
    amounts: rootMeanSquare(
      values.map((value, at) => (value - amounts.at(at)) / Math.max(value, amounts.at(at))),
    ),
  }
  const form = misses.amounts < misses.factors ? 'amounts' : 'factors'
  const middle = Math.exp(factors.at((size - 1) / 2))
  const expected = Math.max(
    LEAST_NOISE,
    series.noise * Math.sqrt(Math.min(1, series.usual / middle)),
    1 / Math.sqrt(Math.max(1, middle * series.stepS)),
  )
  const most = Math.max(FIT.noises * expected, FIT.share)
  const newest = values[size - 1] ?? 0
  const line = form === 'factors' ? now : amounts.at(size - 1)
  if (misses[form] > most || newest < line * (1 - most)) return null
  const noise = Math.max(expected, misses[form] * Math.sqrt(size / (size - 2)))
  const growthError = noise / Math.sqrt((size * (size * size - 1)) / 12)
  const slope = form === 'factors' ? factors.slope : amounts.slope
  return { form, rps: line, slope, growth: factors.slope, growthError, elapsed: size - 1 }
}

/** The line of least squares through values at 0, 1, 2, … */
function lineThrough(values: readonly number[]): { slope: number; at(x: number): number } {
  const size = values.length
  const middle = (size - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / size
  const slope =
    values.reduce((sum, value, x) => sum + (x - middle) * value, 0) / ((size * (size * size - 1)) / 12)
  return { slope, at: (x) => mean + slope * (x - middle) }
}

/** Standard deviation of a step's noise; the second difference of independent noise has √6 of it. */
function noiseOf(logs: readonly number[]): number {
  const bends: number[] = []
  for (let at = 2; at < logs.length; at++) {
    const bend = Math.abs((logs[at] ?? 0) - 2 * (logs[at - 1] ?? 0) + (logs[at - 2] ?? 0))
    if (Number.isFinite(bend)) bends.push(bend)
  }
  return quantileOf(bends, 0.5) / MAD_NORMAL / Math.sqrt(6)
}

function quantileOf(values: readonly number[], level: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))] ?? 0
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
}
