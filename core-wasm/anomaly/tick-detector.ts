import type { Anomaly } from '../../contract/messages.ts'
import {
  ANOMALY_FEATURES,
  AnomalyFeatures,
  type AnomalyFeaturesState,
} from '../../contract/model/anomaly-features.ts'
import { type CalibrationKnot, calibrate } from '../../contract/model/calibration.ts'
import type { FeatureTail } from '../../contract/model/feature-tail.ts'
import type { TickSummary } from '../../contract/model/series.ts'
import {
  type ExcessForest,
  MULTIVARIATE_SETTINGS,
  MultivariateDetector,
  type MultivariateState,
} from './multivariate-detector.ts'

const EXPLAIN_WITH = 3

/** What normal ticks look like: one model serves all traffic and every module. */
export interface TickModel {
  readonly tails: readonly FeatureTail[]
  readonly level: number
  readonly forest: ExcessForest
  readonly calibration: readonly CalibrationKnot[]
}

/** What a detector goes on with after a restart. Plain JSON. */
export interface TickDetectorState {
  readonly features: AnomalyFeaturesState
  readonly detector: MultivariateState
}

/**
 * Scores each tick of one module, or of all traffic: the features' deviations from their own past, each turned into how rare
 * it is in normal traffic, those that are rarer than the level summed up and weighed by an isolation forest over them.
 */
export class TickDetector {
  readonly #features: AnomalyFeatures
  readonly #detector: MultivariateDetector
  readonly #calibration: readonly CalibrationKnot[]

  constructor({ tails, level, forest, calibration }: TickModel, state?: TickDetectorState) {
    this.#features = new AnomalyFeatures(state?.features)
    this.#detector = new MultivariateDetector(
      tails,
      forest,
      { ...MULTIVARIATE_SETTINGS, level },
      state?.detector,
    )
    this.#calibration = calibration
  }

  /** Null while the features warm up. */
  push(tick: TickSummary): Anomaly | null {
    const point = this.#features.push(tick)
    if (point === null) return null
    const score = calibrate(rawScore(this.#detector.push(point).score), this.#calibration)
    const features = this.#detector
      .suspects(EXPLAIN_WITH)
      .map((index) => ANOMALY_FEATURES[index] ?? String(index))
    return { score, features }
  }

  state(): TickDetectorState {
    return { features: this.#features.state(), detector: this.#detector.state() }
  }
}

/** A detector's score, 0 and up, in 0..1 as calibrations take it. */
export function rawScore(score: number): number {
  return score / (1 + score)
}
