import { ANOMALY_FEATURES, AnomalyFeatures } from '../../contract/model/anomaly-features.ts'
import { type CalibrationKnot, calibrationOf } from '../../contract/model/calibration.ts'
import type { FeatureTail } from '../../contract/model/feature-tail.ts'
import { type Random, seededRandom } from '../../contract/ports.ts'
import { fitTails } from '../../core-wasm/anomaly/feature-tails.ts'
import {
  excessesOf,
  MULTIVARIATE_SETTINGS,
  MultivariateDetector,
  surprisesOf,
} from '../../core-wasm/anomaly/multivariate-detector.ts'
import { rawScore } from '../../core-wasm/anomaly/tick-detector.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { encodeForest, Forest, type IsolationForest } from '../../core-wasm/forest.ts'
import { generateTicks } from './generated-ticks.ts'
import { trainForest } from './isolation-forest.ts'

export interface ForestTraining {
  readonly seed: number
  readonly trees: number
  readonly subsample: number
  /** Generated sites, and ticks of each. */
  readonly sites: number
  readonly ticks: number
  readonly report: (line: string) => void
}

export interface TrainedForest {
  readonly seed: number
  readonly forest: IsolationForest
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly tails: readonly FeatureTail[]
  readonly level: number
  readonly calibration: readonly CalibrationKnot[]
  readonly points: number
}

const WIDTH = ANOMALY_FEATURES.length
/** Digits kept of what the manifest tells of a tail. */
const DIGITS = 6

/**
 * Learns what normal ticks look like, on half of the generated sites: the tails of each feature, and a forest over what
 * lies beyond the level in them. Calibrated on the other half, not seen before, with the compiled core that will score.
 */
export function trainAnomalyForest(options: ForestTraining): TrainedForest {
  const random = seededRandom(options.seed)
  const half = Math.ceil(options.sites / 2)
  const known = Array.from({ length: half }, () => featuresOf(random, options.ticks)).flat()
  const rows = new Float32Array(known.length * WIDTH)
  known.forEach((row, index) => {
    rows.set(row, index * WIDTH)
  })
  const tails = fitTails(rows, WIDTH).map(rounded)
  const { level } = MULTIVARIATE_SETTINGS
  const forest = trainForest(excessRows(known, tails, level), WIDTH, options, random)
  const bytes = encodeForest(forest)
  const scorer = Forest.load(loadCore(), bytes)
  const scores = Array.from({ length: half }, () => {
    const detector = new MultivariateDetector(tails, scorer)
    return featuresOf(random, options.ticks).map((row) => rawScore(detector.push(row).score))
  }).flat()
  options.report(
    `forest: ${options.trees} trees of ${options.subsample} from ${known.length} points, calibrated on ${scores.length}`,
  )
  const calibration = calibrationOf(scores)
  return { seed: options.seed, forest, bytes, tails, level, calibration, points: known.length }
}

function featuresOf(random: Random, ticks: number): Float64Array[] {
  const features = new AnomalyFeatures()
  return generateTicks(random, ticks)
    .map((tick) => features.push(tick))
    .filter((row) => row !== null)
}

function excessRows(
  rows: readonly Float64Array[],
  tails: readonly FeatureTail[],
  level: number,
): Float32Array {
  const excess = new Float32Array(rows.length * WIDTH)
  const surprises = new Float64Array(WIDTH)
  rows.forEach((row, index) => {
    surprisesOf(tails, row, surprises)
    excessesOf(surprises, level, excess.subarray(index * WIDTH, (index + 1) * WIDTH))
  })
  return excess
}

function rounded(tail: FeatureTail): FeatureTail {
  const round = (value: number) => Number(value.toPrecision(DIGITS))
  return {
    high: tail.high.map(round),
    low: tail.low.map(round),
    most: round(tail.most),
    least: round(tail.least),
    span: round(tail.span),
    edge: round(tail.edge),
  }
}
