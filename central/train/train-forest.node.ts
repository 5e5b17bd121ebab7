import { ANOMALY_FEATURES, AnomalyFeatures } from '../../contract/model/anomaly-features.ts'
import { type CalibrationKnot, calibrationOf } from '../../contract/model/calibration.ts'
import { type Random, seededRandom } from '../../contract/ports.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { encodeForest, Forest, type IsolationForest } from '../../core-wasm/forest.ts'
import { disturb } from './disturbances.ts'
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
  readonly forest: IsolationForest
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly calibration: CalibrationKnot[]
  readonly points: number
}

/** Share of disturbed ticks that the forest is trained with. */
export const CONTAMINATION = 0.01

/**
 * Trains the forest on the anomaly features of half of the generated sites, a hundredth of them disturbed, and calibrates
 * it on the other half, normal and not seen before, with the compiled core that will score it.
 */
export function trainAnomalyForest(options: ForestTraining): TrainedForest {
  const random = seededRandom(options.seed)
  const half = Math.ceil(options.sites / 2)
  const known = featuresOf(random, half, options.ticks, CONTAMINATION)
  const fresh = featuresOf(random, half, options.ticks, 0)
  const width = ANOMALY_FEATURES.length
  const forest = trainForest(known, width, options, random)
  const bytes = encodeForest(forest)
  const scorer = Forest.load(loadCore(), bytes)
  const scores = Float64Array.from({ length: fresh.length / width }, (_, row) =>
    scorer.score(fresh.subarray(row * width, (row + 1) * width)),
  )
  const calibration = calibrationOf(scores)
  options.report(
    `forest: ${options.trees} trees of ${options.subsample} from ${known.length / width} points, calibrated on ${scores.length}`,
  )
  return { forest, bytes, calibration, points: known.length / width }
}

function featuresOf(random: Random, sites: number, ticks: number, disturbed: number): Float32Array {
  const rows: Float64Array[] = []
  for (let site = 0; site < sites; site++) {
    const features = new AnomalyFeatures()
    for (const tick of disturb(random, generateTicks(random, ticks), disturbed)) {
      const row = features.push(tick)
      if (row !== null) rows.push(row)
    }
  }
  const points = new Float32Array(rows.length * ANOMALY_FEATURES.length)
  rows.forEach((row, index) => {
    points.set(row, index * ANOMALY_FEATURES.length)
  })
  return points
}
