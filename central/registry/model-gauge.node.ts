import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { AtlasError, type ErrorCode, messageOf } from '../../contract/errors.ts'
import { selfCheckHistory } from '../../contract/model/self-check.ts'
import { type Timed, WorkerdRun } from './workerd-run.node.ts'

/** What a model cost under workerd, in the Worker that PoPs run. */
export interface Measured {
  /** `cpu`: time of the thread that ran it; `wall`: round trips, where the system does not tell the former. */
  readonly clock: 'cpu' | 'wall'
  /** From a model's bytes to its first answer in a fresh process: starting the runtime, opening, self-check. */
  readonly sessionMs: number
  /** Median and 99 % quantile of a forecast of one series. */
  readonly windowMs: number
  readonly windowP99Ms: number
  /** Resident memory of the whole process afterwards; null where the system does not tell. */
  readonly residentBytes: number | null
  /** Processor it was measured on. */
  readonly machine: string
}

/** Longest a model may take, milliseconds. */
export interface Budget {
  readonly sessionMs: number
  readonly windowMs: number
}

export interface GaugeOptions {
  /** Path of a configuration for workerd that `writeGauge` wrote; null: there is none. */
  readonly config: string | null
  readonly budget?: Budget
  /** Longest one try may take. */
  readonly limitMs?: number
}

/** Of the specification: int8 inference under workerd. */
const BUDGET: Budget = { sessionMs: 500, windowMs: 5 }
const LIMIT_MS = 20_000
/** By the wall other work on the machine adds time: what is over its budget is tried again, and the least counts. */
const WALL_TRIES = 3
const WINDOWS = 64
/** The Wasm compiler's better code takes over during these. */
const WARM_UP = 8

/**
 * Measures models under workerd, in a process of their own that is ended by the clock: a model that hangs or crashes takes
 * nothing with it. What a request takes is read from outside, less what it takes without the model, for a Worker's own clock
 * need not run while it computes: the time of the process's thread, else that of the wall. One model at a time.
 */
export class ModelGauge {
  readonly #config: string | null
  readonly #budget: Budget
  readonly #limitMs: number
  #last: Promise<unknown> = Promise.resolve()

  constructor({ config, budget = BUDGET, limitMs = LIMIT_MS }: GaugeOptions) {
    this.#config = config
    this.#budget = budget
    this.#limitMs = limitMs
  }

  /**
   * @param bytes the package
   * @throws AtlasError `model/slow` over the budget or the time limit, `model/unreadable` and `model/shape` as the Worker
   * says, `setup/missing-tool` when nothing can be measured here
   */
  measure(bytes: Uint8Array<ArrayBuffer>): Promise<Measured> {
    const measured = this.#last.then(() => this.#best(bytes))
    this.#last = measured.catch(() => undefined)
    return measured
  }

  async #best(bytes: Uint8Array<ArrayBuffer>): Promise<Measured> {
    let best = await this.#once(bytes)
    for (let tries = 1; best.clock === 'wall' && tries < WALL_TRIES && this.#over(best) !== null; tries++)
      best = bestOf(best, await this.#once(bytes))
    const over = this.#over(best)
    if (over === null) return best
    throw new AtlasError('model/slow', over)
  }

  /** What is over the budget, in words; null when nothing is. */
  #over({ clock, sessionMs, windowMs, windowP99Ms, machine }: Measured): string | null {
    const budget = this.#budget
    const faults = [
      ...(windowMs <= budget.windowMs
        ? []
        : [
            `takes ${ms(windowMs)} a window (p99 ${ms(windowP99Ms)}), at most ${budget.windowMs} ms are allowed`,
          ]),
      ...(sessionMs <= budget.sessionMs
        ? []
        : [`needs ${ms(sessionMs)} to start, at most ${budget.sessionMs} ms are allowed`]),
    ]
    const how = clock === 'cpu' ? 'CPU time' : `wall time, the best of ${WALL_TRIES} tries`
    return faults.length === 0
      ? null
      : `the model ${faults.join(', and ')} (${how} under workerd, ${machine})`
  }

  async #once(bytes: Uint8Array<ArrayBuffer>): Promise<Measured> {
    const run = this.#start()
    const limit = AbortSignal.timeout(this.#limitMs)
    try {
      await run.ready(limit).catch((cause) => {
        throw unmeasurable(limit.aborted ? `workerd did not answer in ${this.#limitMs / 1000} s` : cause)
      })
      return await measureOn(run, bytes, limit)
    } catch (thrown) {
      if (thrown instanceof AtlasError) throw thrown
      if (limit.aborted)
        throw new AtlasError(
          'model/slow',
          `the model did not open and answer ${WARM_UP + WINDOWS} windows under workerd within ${this.#limitMs / 1000} s`,
        )
      await run.stop()
      throw new AtlasError(
        'model/unreadable',
        `workerd broke down while it ran the model (${run.end ?? messageOf(thrown)})`,
        { cause: thrown },
      )
    } finally {
      await run.stop()
    }
  }

  #start(): WorkerdRun {
    if (this.#config === null) throw unmeasurable('ATLAS_CENTRAL_GAUGE is not set')
    if (!existsSync(this.#config))
      throw unmeasurable(`ATLAS_CENTRAL_GAUGE names ${this.#config}, which is not there`)
    try {
      return new WorkerdRun(this.#config)
    } catch (cause) {
      throw unmeasurable(cause)
    }
  }
}

/** The least of each: a session's start and a window are measured in the same tries, but not disturbed by the same. */
function bestOf(a: Measured, b: Measured): Measured {
  return { ...(a.windowMs <= b.windowMs ? a : b), sessionMs: Math.min(a.sessionMs, b.sessionMs) }
}

async function measureOn(
  run: WorkerdRun,
  bytes: Uint8Array<ArrayBuffer>,
  limit: AbortSignal,
): Promise<Measured> {
  const trips: Timed[] = []
  for (let trip = 0; trip < WARM_UP; trip++) trips.push(await run.ask('GET', '/', null, limit))
  const offered = await run.ask('PUT', '/', bytes, limit)
  expectOk(offered)

  const windows: Timed[] = []
  const idles: Timed[] = []
  for (let index = 0; index < WARM_UP + WINDOWS; index++) {
    const body = JSON.stringify(selfCheckHistory(1000 + index))
    const idle = await run.ask('POST', '/?idle', body, limit)
    const window = await run.ask('POST', '/', body, limit)
    expectOk(idle)
    expectOk(window)
    if (index < WARM_UP) continue
    idles.push(idle)
    windows.push(window)
  }
  const clock = [...idles, ...windows].every(({ cpuMs }) => cpuMs !== null) ? 'cpu' : 'wall'
  const over = (took: readonly Timed[], level: number, empty: readonly Timed[]) =>
    Math.max(0, quantile(took, level, clock) - quantile(empty, 0.5, clock))
  return {
    clock,
    sessionMs: over([offered], 0.5, trips),
    windowMs: over(windows, 0.5, idles),
    windowP99Ms: over(windows, 0.99, idles),
    residentBytes: run.residentBytes,
    machine: cpus()[0]?.model ?? 'unknown processor',
  }
}

function expectOk({ body }: Timed): void {
  const answer = body as { ok: boolean; code?: ErrorCode; reason?: string }
  if (!answer.ok)
    throw new AtlasError(answer.code ?? 'model/unreadable', answer.reason ?? 'it does not forecast')
}

function unmeasurable(cause: unknown): AtlasError {
  const why = typeof cause === 'string' ? cause : messageOf(cause)
  return new AtlasError(
    'setup/missing-tool',
    `a model is measured under workerd before it is stored, and here it cannot be: ${why}. \`npm run gauge -- DIR\` writes what ATLAS_CENTRAL_GAUGE must name; \`npm start\` does both`,
    { cause },
  )
}

/** Nearest rank. */
function quantile(took: readonly Timed[], level: number, clock: Measured['clock']): number {
  const sorted = took
    .map(({ cpuMs, wallMs }) => (clock === 'cpu' ? (cpuMs ?? wallMs) : wallMs))
    .sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(level * sorted.length) - 1)] ?? Number.NaN
}

function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 0)} ms`
}
