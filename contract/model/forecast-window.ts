import type { Quantiles } from '../messages.ts'
import { HORIZONS_MIN, LOOKBACK, QUANTILE_LEVELS, type SeriesHistory } from './series.ts'

/**
 * What the forecaster sees of each step. A measure that is missing is carried forward (requests) or left at 0 (the
 * others), and its own mask says so: the model learns what a mask means instead of taking a gap for a zero.
 */
export const FORECAST_FEATURES = [
  'rps',
  'rpsMissing',
  'rpsSmooth',
  'rpsNoise',
  'errorRate',
  'errorRateMissing',
  'cpu',
  'cpuMissing',
  'memory',
  'memoryMissing',
  'dbQueue',
  'dbQueueMissing',
  'hourSin',
  'hourCos',
  'weekdaySin',
  'weekdayCos',
  'holiday',
  'holidayUnknown',
  'stepLog',
] as const

/** Numbers in one window, and in the model's answer to it: horizons × quantiles. */
export const WINDOW_SIZE = LOOKBACK * FORECAST_FEATURES.length
export const OUTPUT_SIZE = HORIZONS_MIN.length * QUANTILE_LEVELS.length

/** Weight of the newest step in the running mean of the rate, and of its absolute deviation, that the model is given. */
const SMOOTHING = 0.15

const DAY_MS = 86_400_000
/** 1970-01-01 was a Thursday; weeks are counted from Monday. */
const EPOCH_WEEKDAY_MS = 3 * DAY_MS

export interface ForecastWindow {
  /** Row-major [LOOKBACK × FORECAST_FEATURES]. */
  readonly features: Float32Array
  /** The series' own recent level, requests a second: the scale of features and answer. */
  readonly level: number
  /** Samples of the window that were missing, 0 to LOOKBACK. */
  readonly missing: number
}

export interface ForecastQuantiles {
  readonly in5: Quantiles
  readonly in15: Quantiles
  readonly in60: Quantiles
}

/**
 * A rate relative to the level as the model sees and answers it: v(r) = 2 ln((1 + r) / 2). Near r = 1 it is r − 1, for
 * surges it grows with the logarithm, and it is finite at 0, where low counts often are.
 */
export function toRelative(rps: number, level: number): number {
  return 2 * Math.log((1 + rps / level) / 2)
}

/** The inverse of `toRelative`, never below 0. */
export function fromRelative(value: number, level: number): number {
  return Math.max(0, (2 * Math.exp(value / 2) - 1) * level)
}

/** The scale of a history's window: the mean of what was observed in it. */
export function levelOf({ rps, stepS }: Pick<SeriesHistory, 'rps' | 'stepS'>): number {
  return observedLevel(rps, rps.length - LOOKBACK, stepS).level
}

/** How many steps ahead a horizon lies: 5 minutes are one step of 5 minutes, 15 are two of 10. */
export function stepsAhead(horizonMin: number, stepS: number): number {
  return Math.max(1, Math.ceil((horizonMin * 60) / stepS))
}

/**
 * The model's view of the last LOOKBACK steps of a series, scaled by the mean of what was observed in them (at least
 * one request in the window, so that silence has a scale too).
 * @throws RangeError when the history is shorter than LOOKBACK or its step is not positive
 */
export function windowFeatures(history: SeriesHistory): ForecastWindow {
  const { rps, errorRate, stepS, endMs } = history
  if (rps.length < LOOKBACK)
    throw new RangeError(`history.rps must have at least ${LOOKBACK} samples, but has ${rps.length}`)
  if (!(stepS > 0)) throw new RangeError(`history.stepS must be above 0, but is ${stepS}`)
  const first = rps.length - LOOKBACK
  const { level, missing } = observedLevel(rps, first, stepS)
  const columns = FORECAST_FEATURES.length
  const features = new Float32Array(WINDOW_SIZE)
  const stepLog = Math.log(stepS / 60)
  let carried = firstObserved(rps, first, level)
  let smooth = toRelative(carried, level)
  let noise = 0
  for (let row = 0; row < LOOKBACK; row++) {
    const at = row * columns
    const sample = rps[first + row] ?? Number.NaN
    if (Number.isFinite(sample)) carried = Math.max(0, sample)
    else features[at + 1] = 1
    const relative = toRelative(carried, level)
    noise += SMOOTHING * (Math.abs(relative - smooth) - noise)
    smooth += SMOOTHING * (relative - smooth)
    features[at] = relative
    features[at + 2] = smooth
    features[at + 3] = noise
    putShare(features, at + 4, errorRate, errorRate.length - LOOKBACK + row)
    putShare(features, at + 6, history.cpu, (history.cpu?.length ?? 0) - LOOKBACK + row)
    putShare(features, at + 8, history.memory, (history.memory?.length ?? 0) - LOOKBACK + row)
    putShare(features, at + 10, history.dbQueue, (history.dbQueue?.length ?? 0) - LOOKBACK + row)
    const startMs = endMs - (LOOKBACK - row) * stepS * 1000
    putTurn(features, at + 12, startMs / DAY_MS)
    putTurn(features, at + 14, (startMs + EPOCH_WEEKDAY_MS) / (7 * DAY_MS))
    features[at + 16] = history.holiday === true ? 1 : 0
    features[at + 17] = history.holiday === undefined ? 1 : 0
    features[at + 18] = stepLog
  }
  return { features, level, missing }
}

/**
 * The model's answer for one window as requests a second, p10 ≤ p50 ≤ p90, none below 0. A crossing quantile is drawn
 * to the median.
 * @param output the model's whole answer, OUTPUT_SIZE numbers a window
 * @param index which window of the batch
 */
export function readForecast(output: ArrayLike<number>, level: number, index = 0): ForecastQuantiles {
  const at = index * OUTPUT_SIZE
  if (output.length < at + OUTPUT_SIZE)
    throw new RangeError(
      `output must hold ${OUTPUT_SIZE} numbers for window ${index}, but ends at ${output.length}`,
    )
  return {
    in5: quantilesAt(output, at, level),
    in15: quantilesAt(output, at + 3, level),
    in60: quantilesAt(output, at + 6, level),
  }
}

function quantilesAt(output: ArrayLike<number>, at: number, level: number): Quantiles {
  const p50 = output[at + 1] ?? Number.NaN
  return {
    p10: fromRelative(Math.min(output[at] ?? Number.NaN, p50), level),
    p50: fromRelative(p50, level),
    p90: fromRelative(Math.max(output[at + 2] ?? Number.NaN, p50), level),
  }
}

function observedLevel(
  rps: readonly number[],
  first: number,
  stepS: number,
): { level: number; missing: number } {
  let sum = 0
  let observed = 0
  for (let index = first; index < rps.length; index++) {
    const sample = rps[index] ?? Number.NaN
    if (!Number.isFinite(sample)) continue
    sum += Math.max(0, sample)
    observed++
  }
  const floor = 1 / (LOOKBACK * stepS)
  return { level: Math.max(floor, observed === 0 ? 0 : sum / observed), missing: LOOKBACK - observed }
}

function firstObserved(rps: readonly number[], first: number, level: number): number {
  for (let index = first; index < rps.length; index++) {
    const sample = rps[index] ?? Number.NaN
    if (Number.isFinite(sample)) return Math.max(0, sample)
  }
  return level
}

/** A share 0..1 and its mask. */
function putShare(
  features: Float32Array,
  at: number,
  values: readonly number[] | undefined,
  index: number,
): void {
  const value = values?.[index] ?? Number.NaN
  if (Number.isFinite(value)) features[at] = Math.min(1, Math.max(0, value))
  else features[at + 1] = 1
}

function putTurn(features: Float32Array, at: number, turns: number): void {
  const angle = 2 * Math.PI * turns
  features[at] = Math.sin(angle)
  features[at + 1] = Math.cos(angle)
}
