import type { Adapted } from '../../contract/model/adapted.ts'
import type { BoostedTrees } from '../../contract/model/boosted-trees.ts'
import { type ForecastQuantiles, levelOf, toRelative } from '../../contract/model/forecast-window.ts'
import { SEASONAL_FEATURES, seasonalView } from '../../contract/model/seasonal-features.ts'
import { SeasonalMemory } from '../../contract/model/seasonal-memory.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS, lagFeatures, residualFeatures } from '../../contract/model/series-forecaster.ts'
import { seededRandom } from '../../contract/ports.ts'
import { BOOSTING, type BoostingData, type BoostingOptions, boost } from './boosting.ts'
import { historyAt, type TrafficSeries } from './traffic-series.ts'

const REFERENCE_FEATURES = 5
/** Of the rows, those that only fit; how many rounds help is told by the rest, which come after them. */
const FIT_SHARE = 0.8
const PATIENCE = 60
const LEAST_ROUNDS = 60
const TRUST_POWER = 15
/** With fewer rows a series has no regressions of its own. */
const LEAST_ROWS = 500

/**
 * Fits a series' own regressions, for each horizon that its step allows, to its first `usable` samples: the target from its
 * lags, from the view of the past, and what the reference misses of it. The number of rounds is what does best on the last fifth.
 * The same input gives the same regressions.
 * @param referenceAt the reference's forecast at a sample; null where it has none
 */
export function adapt(
  series: TrafficSeries,
  usable: number,
  referenceAt: (origin: number) => ForecastQuantiles | null,
  options = { seed: 1, boosting: BOOSTING },
): Adapted {
  const rows = HORIZONS.map(() => ({
    lags: [] as number[],
    view: [] as number[],
    residual: [] as number[],
    own: [] as number[],
    missed: [] as number[],
    weight: [] as number[],
  }))
  const memory = new SeasonalMemory(series.stepS)
  const firstFit = Math.max(LOOKBACK - 1, Math.min(86_400 / series.stepS, usable / 4))
  for (let origin = 0; origin < usable; origin++) {
    const endMs = series.startMs + (origin + 1) * series.stepS * 1000
    memory.learn(endMs, series.rps[origin] ?? Number.NaN)
    const reference = origin < firstFit ? null : referenceAt(origin)
    if (reference === null || Number.isNaN(series.rps[origin])) continue
    const history = historyAt(series, origin)
    const level = levelOf(history)
    HORIZONS.forEach(({ key, minutes }, horizon) => {
      const at = origin + (minutes * 60) / series.stepS
      const target = Number.isInteger(at) && at < usable ? (series.rps[at] ?? Number.NaN) : Number.NaN
      const row = rows[horizon]
      if (Number.isNaN(target) || row === undefined) return
      const { features } = seasonalView(history, memory, level, minutes * 60)
      row.lags.push(...lagFeatures(history))
      row.view.push(...features)
      row.residual.push(...residualFeatures(features, reference, key, level))
      const own = toRelative(target, level)
      row.own.push(own)
      row.missed.push(own - toRelative(reference[key].p50, level))
      row.weight.push(level)
    })
  }
  const horizons: { -readonly [Key in keyof Adapted['horizons']]: Adapted['horizons'][Key] } = {}
  HORIZONS.forEach(({ key }, horizon) => {
    const row = rows[horizon]
    if (row === undefined || row.own.length < LEAST_ROWS) return
    const fitted = (columns: number, x: readonly number[], y: readonly number[], seed: number) =>
      regression(
        {
          columns,
          x: Float32Array.from(x),
          y: Float64Array.from(y),
          weight: Float64Array.from(row.weight),
        },
        { ...options, seed },
      )
    const { seed } = options
    const lags = fitted(LOOKBACK + 1, row.lags, row.own, seed)
    const view = fitted(SEASONAL_FEATURES, row.view, row.own, seed + 1)
    const residual = fitted(SEASONAL_FEATURES + REFERENCE_FEATURES, row.residual, row.missed, seed + 2)
    const errors = [residual.withoutTrees, lags.error, view.error, residual.error]
    horizons[key] = {
      regressions: [
        { reads: 'lags', trees: lags.trees },
        { reads: 'view', trees: view.trees },
        { reads: 'residual', trees: residual.trees },
      ],
      trust: trustOf(errors),
    }
  })
  return { v: 1, stepS: series.stepS, horizons }
}

interface Regression {
  readonly trees: BoostedTrees
  /** Weighted absolute error on the rows held back, with the trees and with nothing. */
  readonly error: number
  readonly withoutTrees: number
}

function regression(data: BoostingData, options: { seed: number; boosting: BoostingOptions }): Regression {
  const { seed, boosting } = options
  const { y, weight } = data
  const fitRows = Math.floor(y.length * FIT_SHARE)
  const errorOf = (answer: (row: number) => number) => {
    let error = 0
    for (let row = fitRows; row < y.length; row++)
      error += Math.abs((y[row] ?? 0) - answer(row)) * (weight[row] ?? 0)
    return error
  }
  let best = { rounds: LEAST_ROUNDS, error: Number.POSITIVE_INFINITY }
  boost(data, boosting, seededRandom(seed), fitRows, (round, sums) => {
    const error = errorOf((row) => sums[row] ?? 0)
    if (error < best.error) best = { rounds: Math.max(LEAST_ROUNDS, round + 1), error }
    return round < best.rounds + PATIENCE
  })
  const trees = boost(data, { ...boosting, rounds: best.rounds }, seededRandom(seed))
  return { trees, error: best.error, withoutTrees: errorOf(() => 0) }
}

/** Shares that fall steeply with the error: a tenth more leaves a quarter. */
function trustOf(errors: readonly number[]): number[] {
  const least = Math.min(...errors)
  const shares = errors.map((error) => (least / error) ** TRUST_POWER)
  const total = shares.reduce((sum, share) => sum + share, 0)
  return shares.map((share) => share / total)
}
