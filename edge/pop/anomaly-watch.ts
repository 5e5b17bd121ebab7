import { messageOf } from '../../contract/errors.ts'
import type { Anomaly } from '../../contract/messages.ts'
import {
  ANOMALY_FEATURES,
  AnomalyFeatures,
  type AnomalyFeaturesState,
} from '../../contract/model/anomaly-features.ts'
import { calibrate } from '../../contract/model/calibration.ts'
import type { ForestManifest } from '../../contract/model/manifest.ts'
import type { TickSummary } from '../../contract/model/series.ts'
import type { Core } from '../../core-wasm/core.ts'
import { Forest } from '../../core-wasm/forest.ts'

const EXPLAIN_WITH = 3

/** The forest's file with its calibration, or why there is none. */
export type ForestSource =
  | {
      readonly ok: true
      readonly bytes: Uint8Array
      readonly calibration: ForestManifest['calibration']
    }
  | { readonly ok: false; readonly reason: string }

type Loaded = { readonly forest: Forest; readonly calibration: ForestManifest['calibration'] } | string

/** Scores each tick with the isolation forest. A forest that is refused leaves no score and a reason. */
export class AnomalyWatch {
  readonly #features: AnomalyFeatures
  readonly #loaded: Loaded

  constructor(core: Core, source: ForestSource, memory?: AnomalyFeaturesState) {
    this.#features = new AnomalyFeatures(memory)
    this.#loaded = load(core, source)
  }

  /** Why there is no score; null when there is one, or will be once the features have warmed up. */
  get error(): string | null {
    return typeof this.#loaded === 'string' ? this.#loaded : null
  }

  /** Null while the features warm up, or without a forest. */
  push(tick: TickSummary): Anomaly | null {
    const point = this.#features.push(tick)
    if (typeof this.#loaded === 'string' || point === null) return null
    const { forest, calibration } = this.#loaded
    const features = forest
      .isolating(point, EXPLAIN_WITH)
      .map((index) => ANOMALY_FEATURES[index] ?? String(index))
    return { score: calibrate(forest.score(point), calibration), features }
  }

  memory(): AnomalyFeaturesState {
    return this.#features.state()
  }
}

function load(core: Core, source: ForestSource): Loaded {
  if (!source.ok) return source.reason
  try {
    const forest = Forest.load(core, source.bytes)
    if (forest.features === ANOMALY_FEATURES.length) return { forest, calibration: source.calibration }
    return `the forest reads ${forest.features} features, this build makes ${ANOMALY_FEATURES.length}`
  } catch (thrown) {
    return messageOf(thrown)
  }
}
