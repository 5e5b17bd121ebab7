import type { Aggregate } from '../../contract/aggregate.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { FlushAnswer, FlushReport, LimitUse, PopStub } from '../control/stubs.ts'
import { flushWithin } from './pop-link.ts'

/** Where a flush takes from and gives to. */
export interface FlushParts {
  readonly isolate: string
  readonly tickMs: number
  readonly wallMs: () => number
  readonly sleep: (ms: number) => Promise<unknown>
  /** There is something for a further flush. */
  readonly busy: () => boolean
  readonly drain: () => { readonly aggregates: Aggregate[]; readonly dropped: number }
  readonly takeUse: () => Promise<LimitUse[]>
  readonly returnUse: (uses: readonly LimitUse[]) => void
  readonly applyUse: (uses: readonly LimitUse[]) => void
  readonly tableVersion: () => number
  readonly adopt: (table: RouteTable) => void
  /** Requests failed open on since the last call. */
  readonly takeFaults: () => number
  readonly onFailure: (thrown: unknown) => void
}

/** Aggregates kept while the PoP object does not answer; the PoP takes 256 a flush. */
const MAX_HELD = 200
/** A task hands over to a new request's after this long: a runtime may end what runs on after a response. */
const MAX_TASK_MS = 15_000

/**
 * Brings an isolate and its PoP object together once a tick, never while a request waits. The first request after the
 * last flush arms one task; when the table is older than a tick by then, the task begins with a flush. It goes on by
 * itself while the isolate is busy.
 */
export class Flusher {
  readonly #parts: FlushParts
  #armedUntilMs = Number.NEGATIVE_INFINITY
  #confirmedMs: number
  #flushedMs = Number.NEGATIVE_INFINITY
  #task = 0
  #held: Aggregate[] = []
  #faults = 0
  #dropped = 0

  constructor(parts: FlushParts) {
    this.#parts = parts
    this.#confirmedMs = parts.wallMs()
  }

  /** Wall time at which the PoP object last answered; the isolate's start before the first answer. */
  get confirmedMs(): number {
    return this.#confirmedMs
  }

  /** No task is under way, or the clock was set back since one said so. */
  due(nowMs: number): boolean {
    return nowMs >= this.#armedUntilMs || nowMs < this.#armedUntilMs - this.#aliveMs
  }

  /** The task to run in the background, beside or after the request that asks for it. */
  start(stub: PopStub, pop: string, nowMs: number): Promise<void> {
    this.#extend(nowMs)
    return this.#run(stub, pop, nowMs, ++this.#task)
  }

  async #run(stub: PopStub, pop: string, startMs: number, task: number): Promise<void> {
    const { tickMs, wallMs, sleep, busy } = this.#parts
    try {
      if (startMs - this.#flushedMs >= tickMs) await this.#flush(stub, pop)
      do {
        const nowMs = wallMs()
        this.#extend(nowMs)
        await sleep(Math.min(tickMs, Math.max(0, this.#flushedMs + tickMs - nowMs)))
        if (task !== this.#task) return
        await this.#flush(stub, pop)
      } while (busy() && wallMs() - startMs < MAX_TASK_MS)
    } catch (thrown) {
      this.#parts.onFailure(thrown)
    } finally {
      if (task === this.#task) this.#armedUntilMs = Number.NEGATIVE_INFINITY
    }
  }

  /** A task that has not said anything by then is dead, and the next request starts another. */
  #extend(nowMs: number): void {
    this.#armedUntilMs = nowMs + this.#aliveMs
  }

  get #aliveMs(): number {
    return this.#parts.tickMs + 2 * this.#limitMs
  }

  get #limitMs(): number {
    return Math.max(1000, 2 * this.#parts.tickMs)
  }

  async #flush(stub: PopStub, pop: string): Promise<void> {
    const parts = this.#parts
    this.#flushedMs = parts.wallMs()
    const { aggregates, dropped } = parts.drain()
    this.#hold(aggregates)
    this.#faults += parts.takeFaults()
    this.#dropped += dropped
    const limitUse = await parts.takeUse()
    const report: FlushReport = {
      pop,
      isolate: parts.isolate,
      tableVersion: parts.tableVersion(),
      aggregates: this.#held,
      limitUse,
      internalErrors: this.#faults,
      tapDropped: this.#dropped,
    }
    this.#held = []
    this.#faults = 0
    this.#dropped = 0
    let answer: FlushAnswer
    try {
      answer = await flushWithin(stub, report, this.#limitMs)
    } catch (thrown) {
      this.#hold([], report.aggregates)
      this.#faults += report.internalErrors
      this.#dropped += report.tapDropped
      parts.returnUse(limitUse)
      parts.onFailure(thrown)
      return
    }
    this.#confirmedMs = parts.wallMs()
    if (answer.table !== null) parts.adopt(answer.table)
    parts.applyUse(answer.othersUse)
  }

  #hold(newer: readonly Aggregate[], older: readonly Aggregate[] = []): void {
    const held = [...older, ...this.#held, ...newer]
    for (const lost of held.splice(0, Math.max(0, held.length - MAX_HELD))) {
      for (const module of lost.modules) this.#dropped += module.requests
    }
    this.#held = held
  }
}
