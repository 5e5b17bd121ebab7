import { messageOf } from '../../contract/errors.ts'
import type { Anomaly } from '../../contract/messages.ts'
import { ANOMALY_FEATURES } from '../../contract/model/anomaly-features.ts'
import type { ForestManifest } from '../../contract/model/manifest.ts'
import type { TickSummary } from '../../contract/model/series.ts'
import {
  TickDetector,
  type TickDetectorState,
  type TickModel,
} from '../../core-wasm/anomaly/tick-detector.ts'
import type { Core } from '../../core-wasm/core.ts'
import { Forest } from '../../core-wasm/forest.ts'

/** The forest's file with what the manifest says of it, or why there is none. */
export type ForestSource =
  | {
      readonly ok: true
      readonly bytes: Uint8Array
      readonly manifest: Pick<ForestManifest, 'tails' | 'level' | 'calibration'>
    }
  | { readonly ok: false; readonly reason: string }

/** What the watch goes on with after a restart: all traffic, and each module by its name. */
export interface AnomalyMemory {
  readonly total?: TickDetectorState
  readonly modules: Readonly<Record<string, TickDetectorState>>
}

/** A module's tick, by its name. */
export interface ModuleTick {
  readonly name: string
  readonly tick: TickSummary
}

export interface AnomalyView {
  /** Of all traffic: null while warming, or without a forest. */
  readonly total: Anomaly | null
  readonly modules: readonly { readonly name: string; readonly anomaly: Anomaly }[]
}

/** Scores each tick of all traffic and of every module. A forest that is refused leaves no score and a reason. */
export class AnomalyWatch {
  readonly #model: TickModel | string
  readonly #total: TickDetector | null
  #modules: ReadonlyMap<string, TickDetector>

  constructor(core: Core, source: ForestSource, memory?: AnomalyMemory) {
    const model = load(core, source)
    this.#model = model
    if (typeof model === 'string') {
      this.#total = null
      this.#modules = new Map()
      return
    }
    const kept = Object.entries(memory?.modules ?? {})
    this.#total = new TickDetector(model, memory?.total)
    this.#modules = new Map(kept.map(([name, state]) => [name, new TickDetector(model, state)]))
  }

  /** Why there is no score; null when there is one, or will be once the features have warmed up. */
  get error(): string | null {
    return typeof this.#model === 'string' ? this.#model : null
  }

  /** Modules that no longer have ticks are forgotten. */
  push(total: TickSummary, modules: readonly ModuleTick[]): AnomalyView {
    const model = this.#model
    if (typeof model === 'string') return { total: null, modules: [] }
    const detectors = new Map(
      modules.map(({ name }) => [name, this.#modules.get(name) ?? new TickDetector(model)]),
    )
    this.#modules = detectors
    return {
      total: this.#total?.push(total) ?? null,
      modules: modules.flatMap(({ name, tick }) => {
        const anomaly = detectors.get(name)?.push(tick) ?? null
        return anomaly === null ? [] : [{ name, anomaly }]
      }),
    }
  }

  memory(): AnomalyMemory {
    const modules = [...this.#modules].map(([name, detector]) => [name, detector.state()] as const)
    return { ...(this.#total && { total: this.#total.state() }), modules: Object.fromEntries(modules) }
  }
}

function load(core: Core, source: ForestSource): TickModel | string {
  if (!source.ok) return source.reason
  try {
    const forest = Forest.load(core, source.bytes)
    if (forest.features === ANOMALY_FEATURES.length) return { ...source.manifest, forest }
    return `the forest reads ${forest.features} features, this build makes ${ANOMALY_FEATURES.length}`
  } catch (thrown) {
    return messageOf(thrown)
  }
}
