import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Adaptations, Reference } from '../registry/adaptations.ts'
import type { Registry } from '../registry/registry.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'
import { incidentWindows, windowsOf } from './incident-windows.ts'
import { type TrainingJob, type WrittenSeries, writeSeries } from './job.ts'
import type { MinuteStore } from './minute-store.ts'
import type { startTraining, Trained, TrainingProcess } from './training-process.ts'
import { TrainingPublisher } from './training-publisher.ts'
import type { AdaptationOutcome, TrainingCall, TrainingState } from './training-state.ts'

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
  readonly #publisher: TrainingPublisher
  #state: TrainingState | null = null
  #process: TrainingProcess | null = null
  #running: Promise<void> | null = null
  #ended: 'cancelled' | 'stopped' | null = null

  constructor(options: TrainingOptions) {
    this.#options = options
    this.#publisher = new TrainingPublisher({
      ...options,
      onOutcome: (outcome) => this.#outcome(outcome),
      onModel: (model) => this.#change({ model }),
      say: (line) => this.#say(line),
    })
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
      if (trained !== null) await this.#publisher.publish(call, trained)
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
    if (pops.length === 0) this.#say('no PoP has recorded minutes yet')
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

function tooLittle(series: TrafficSeries | null): string {
  if (series === null) return 'nothing is recorded of it'
  return `only ${series.rps.length} minutes are recorded; ${LEAST_MINUTES} are needed`
}
