import { messageOf } from '../../contract/errors.ts'
import type { Random } from '../../contract/ports.ts'
import { backoffMs } from './backoff.ts'
import type { Verdict } from './decision-desk.ts'

const RETRY_FIRST_MS = 2000
const RETRY_MOST_MS = 10_000

/** What the desk is told to do with a verdict once its preflight is in. */
export interface TransitionPorts {
  /** Null when every target the verdict begins to use is ready, else why not. */
  preflight(verdict: Verdict): Promise<string | null>
  commit(verdict: Verdict): void
  refuse(verdict: Verdict, why: string): void
  wallMs(): number
  readonly random: Random
}

interface Pending {
  readonly tableVersion: number
  readonly vector: number
  verdict: Verdict
}

/**
 * Holds a change of vector back until its preflight is in, without holding the tick. A proposal that is no longer made,
 * or whose table has been replaced, is dropped. One that was refused is tried again after 1–2 s, then up to 10 s.
 */
export class TransitionDesk {
  readonly #ports: TransitionPorts
  #pending: Pending | null = null
  #refused: { readonly vector: number; readonly failures: number; readonly retryAtMs: number } | null = null

  constructor(ports: TransitionPorts) {
    this.#ports = ports
  }

  /** Takes this tick's verdict. The promise settles when a preflight it began is in; nobody need wait for it. */
  propose(verdict: Verdict): Promise<void> {
    const { vector } = verdict.output
    const { version, vector: current } = verdict.sight.table
    if (vector === current) {
      this.#pending = null
      return Promise.resolve()
    }
    if (this.#pending?.vector === vector && this.#pending.tableVersion === version) {
      this.#pending.verdict = verdict
      return Promise.resolve()
    }
    if (this.#refused?.vector === vector && this.#ports.wallMs() < this.#refused.retryAtMs) {
      this.#pending = null
      return Promise.resolve()
    }
    const pending = { tableVersion: version, vector, verdict }
    this.#pending = pending
    return this.#check(pending)
  }

  async #check(pending: Pending): Promise<void> {
    let why: string | null
    try {
      why = await this.#ports.preflight(pending.verdict)
    } catch (thrown) {
      why = messageOf(thrown)
    }
    if (this.#pending !== pending) return
    this.#pending = null
    if (why === null) {
      this.#refused = null
      this.#ports.commit(pending.verdict)
      return
    }
    const failures = this.#refused?.vector === pending.vector ? this.#refused.failures + 1 : 0
    const waitMs = backoffMs(failures, RETRY_FIRST_MS, RETRY_MOST_MS, this.#ports.random)
    this.#refused = { vector: pending.vector, failures, retryAtMs: this.#ports.wallMs() + waitMs }
    this.#ports.refuse(pending.verdict, why)
  }
}
