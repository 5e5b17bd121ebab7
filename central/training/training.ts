import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Adaptation } from '../../contract/model/adaptation.ts'
import { parseAdapted } from '../../contract/model/adapted.ts'
import { type Adaptations, heldBackRatio, type Reference } from '../registry/adaptations.ts'
import type { Registry } from '../registry/registry.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'
import { incidentWindows, windowsOf } from './incident-windows.ts'
import { type TrainingJob, type WrittenSeries, writeSeries } from './job.ts'
import type { MinuteStore } from './minute-store.ts'
import type { startTraining, Trained, TrainingProcess } from './training-process.ts'

export interface TrainingOptions {
  readonly minutes: Pick<MinuteStore, 'pops' | 'series' | 'alerts'>
  readonly adaptations: Pick<Adaptations, 'references' | 'publish'>
  readonly registry: Pick<Registry, 'put' | 'shadow'>
  readonly start: typeof startTraining
  /** A training is over, and not because central stops. */
  readonly write: (state: TrainingState) => Promise<void>
  readonly onChange: (state: TrainingState) => void
  readonly wallMs: () => number
}

/** What is to be trained, who calls for it, and why. */
export interface TrainingCall {
  readonly trigger: 'demand' | 'schedule' | 'drift'
  readonly by: string
  readonly reason: string
  /** PoPs whose series are to get regressions of their own; null: all that have recorded minutes. */
  readonly pops: readonly string[] | null
  /** A recorded trace in place of the PoP's own minutes; `pops` then names that one PoP. */
  readonly trace?: TrafficSeries
  /** Whether a new reference for all PoPs is trained too. */
  readonly global: boolean
  readonly epochs: number
  readonly quick: boolean
}

/** What became of one series' regressions beside one reference. `ratio`: held-back error with them over that without. */
export interface AdaptationOutcome {
  readonly pop: string
  readonly beside: string
  readonly ratio: number | null
  /** Version that released them; null: they were not published, and `reason` says why. */
  readonly version: number | null
  readonly reason: string
}

export interface TrainingState extends Pick<TrainingCall, 'trigger' | 'by' | 'reason' | 'pops' | 'global'> {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  /** What it said on its way, the last lines of it, and how many there were. */
  readonly lines: readonly string[]
  readonly said: number
  readonly adaptations: readonly AdaptationOutcome[]
  /** The new reference; `reason`: why it is not in shadow, where it is not. */
  readonly model: { readonly hash: string; readonly inShadow: boolean; readonly reason: string } | null
  /** Why it failed; null when it did not. */
  readonly error: string | null
}

const KEEP_LINES = 500
/** With fewer recorded minutes there is nothing to fit to. */
const LEAST_MINUTES = 1_000
const SEED = 1

/**
 * Trains from what PoPs recorded: one at a time, in a process of low priority. Regressions go to their PoP when they were
 * better on the minutes held back; a reference goes into the registry and into shadow, never further.
 */
export class Training {
  readonly #options: TrainingOptions
  #state: TrainingState | null = null
  #process: TrainingProcess | null = null
  #running: Promise<void> | null = null
  #ended: 'cancelled' | 'stopped' | null = null

  constructor(options: TrainingOptions) {
    this.#options = options
  }

  /** The one that runs, or the last one; null: none since central started. */
  get state(): TrainingState | null {
    return this.#state
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Begins a training and returns at once. @throws AtlasError `model/training` while one runs */
  start(call: TrainingCall): TrainingState {
    if (this.#running !== null || this.#ended === 'stopped')
      throw new AtlasError('model/training', 'a training runs already; wait for its end, or cancel it')
    const { trigger, by, reason, pops, global } = call
    const state: TrainingState = {
      ...{ trigger, by, reason, pops, global },
      state: 'running',
      startedAtMs: this.#options.wallMs(),
      endedAtMs: null,
      lines: [],
      said: 0,
      adaptations: [],
      model: null,
      error: null,
    }
    this.#state = state
    this.#ended = null
    this.#running = this.#run(call).finally(() => {
      this.#running = null
    })
    return state
  }

  /** @throws AtlasError `model/training` when none runs */
  cancel(by: string): void {
    if (this.#running === null) throw new AtlasError('model/training', 'no training runs')
    this.#ended = 'cancelled'
    this.#say(`cancelled by ${by}`)
    this.#process?.kill()
  }

  /** Ends its process and starts no more. Does not wait for an answer of NATS. */
  async stop(): Promise<void> {
    this.#ended = 'stopped'
    this.#process?.kill()
    await this.#process?.done.catch(() => undefined)
  }

  async #run(call: TrainingCall): Promise<void> {
    let end: Pick<TrainingState, 'state' | 'error'> = { state: 'done', error: null }
    try {
      const trained = await this.#train(call)
      if (trained !== null) await this.#publish(call, trained)
    } catch (thrown) {
      const isCancelled = this.#ended !== null
      end = isCancelled ? { state: 'cancelled', error: null } : { state: 'failed', error: messageOf(thrown) }
      if (!isCancelled) this.#say(messageOf(thrown))
    } finally {
      this.#process?.remove()
      this.#process = null
    }
    this.#change({ ...end, endedAtMs: this.#options.wallMs() })
    if (this.#state !== null && this.#ended !== 'stopped') await this.#options.write(this.#state)
  }

  /** What the process made of it; null when there was nothing for it to do. */
  async #train(call: TrainingCall): Promise<Trained | null> {
    const { minutes, adaptations, start } = this.#options
    const references = await adaptations.references()
    const pops = call.pops ?? (await minutes.pops())
    const files: Record<string, Uint8Array> = {}
    const beside = references.map(({ beside: sha256, model }: Reference, index) => {
      const file = `reference-${index}.onnx`
      files[file] = model
      return { sha256, file }
    })
    const adapted: TrainingJob['adaptations'][number][] = []
    const examples: WrittenSeries[] = []
    for (const pop of pops) {
      this.#throwIfEnded()
      const recorded = call.trace ?? (await minutes.series(pop))
      if (recorded === null || recorded.rps.length < LEAST_MINUTES) {
        this.#outcome({ pop, beside: '', ratio: null, version: null, reason: tooLittle(recorded) })
        continue
      }
      const series = `series-${pop}.json`
      files[series] = new TextEncoder().encode(JSON.stringify(writeSeries(recorded)))
      adapted.push({ pop, series, beside })
      if (!call.global) continue
      const windows = incidentWindows(await minutes.alerts(pop))
      examples.push(...windowsOf(recorded, windows).map(writeSeries))
    }
    if (adapted.length === 0 && !call.global) return null
    const recorded = adapted.map(({ series }) => series)
    const job: TrainingJob = {
      seed: SEED,
      quick: call.quick,
      adaptations: adapted,
      global: call.global ? { epochs: call.epochs, recorded, examples } : null,
    }
    this.#throwIfEnded()
    this.#process = start(job, files, (line) => this.#say(line))
    const trained = await this.#process.done
    this.#throwIfEnded()
    return trained
  }

  async #publish(call: TrainingCall, { result, file }: Trained): Promise<void> {
    for (const pop of new Set(result.adaptations.map((one) => one.pop)))
      await this.#publishAdaptations(call, pop, { result, file })
    if (result.global === null) return
    const { registry } = this.#options
    const manifest: unknown = JSON.parse(new TextDecoder().decode(file(result.global.manifest)))
    const { model, fp32 } = result.global
    const { hash } = await registry.put(manifest, file(model), file(fp32), call.by)
    try {
      await registry.shadow(hash, { by: call.by, reason: whyOf(call) })
      this.#change({ model: { hash, inShadow: true, reason: '' } })
      this.#say(`${hash.slice(0, 12)} is in shadow`)
    } catch (thrown) {
      if (!(thrown instanceof AtlasError)) throw thrown
      this.#change({ model: { hash, inShadow: false, reason: thrown.message } })
      this.#say(`${hash.slice(0, 12)} is stored, but not in shadow: ${thrown.message}`)
    }
  }

  async #publishAdaptations(call: TrainingCall, pop: string, { result, file }: Trained): Promise<void> {
    const better: Adaptation[] = []
    for (const { beside, fitted, reason } of result.adaptations.filter((one) => one.pop === pop)) {
      const ratio = fitted === null ? null : heldBackRatio(fitted.heldBack)
      if (fitted !== null && ratio !== null && ratio < 1) {
        const { file: own, ...rest } = fitted
        const adapted = parseAdapted(JSON.parse(new TextDecoder().decode(file(own))))
        better.push({ v: 1, kind: 'adaptation', pop, series: 'total', beside, ...rest, adapted })
      } else {
        const why = reason ?? 'on the minutes held back it was not better than without'
        this.#outcome({ pop, beside, ratio, version: null, reason: why })
      }
    }
    if (better.length === 0) return
    const caller = { by: call.by, reason: whyOf(call) }
    const [version, reason] = await this.#options.adaptations
      .publish(pop, better, caller)
      .then((release) => [release.version, ''] as const)
      .catch((thrown: unknown) => [null, messageOf(thrown)] as const)
    for (const { beside, heldBack } of better)
      this.#outcome({ pop, beside, ratio: heldBackRatio(heldBack), version, reason })
  }

  #outcome(outcome: AdaptationOutcome): void {
    this.#change({ adaptations: [...(this.#state?.adaptations ?? []), outcome] })
    const { pop, ratio, version, reason } = outcome
    const error = ratio === null ? '' : `held-back error ${ratio.toFixed(3)} times that without; `
    this.#say(`${pop}: ${error}${version === null ? `not published: ${reason}` : `published as ${version}`}`)
  }

  #say(line: string): void {
    const { lines = [], said = 0 } = this.#state ?? {}
    this.#change({ lines: [...lines, line].slice(-KEEP_LINES), said: said + 1 })
  }

  #change(part: Partial<TrainingState>): void {
    if (this.#state === null) return
    this.#state = { ...this.#state, ...part }
    this.#options.onChange(this.#state)
  }

  #throwIfEnded(): void {
    if (this.#ended !== null) throw new AtlasError('setup/failed', 'ended')
  }
}

function whyOf({ trigger, reason }: TrainingCall): string {
  return reason === '' ? `training by ${trigger}` : `training by ${trigger}: ${reason}`.slice(0, 400)
}

function tooLittle(series: TrafficSeries | null): string {
  if (series === null) return 'nothing is recorded of it'
  return `only ${series.rps.length} minutes are recorded; ${LEAST_MINUTES} are needed`
}
