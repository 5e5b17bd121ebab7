import { messageOf } from '../../contract/errors.ts'
import type { Random } from '../../contract/ports.ts'
import { backoffMs } from './backoff.ts'
import type { Verdict } from './decision-desk.ts'
import type { Readiness } from './preflight.ts'

const RETRY_FIRST_MS = 2000
const RETRY_MOST_MS = 10_000

/** What the desk is told to do with a verdict once its preflight is in. */
export interface TransitionPorts {
  /** Which of the modules that the verdict moves have no target that is ready. */
  preflight(verdict: Verdict): Promise<Readiness>
  /** Called with the verdict's vector cut down to the modules that are ready, and why the others stay. */
  commit(verdict: Verdict, why: string): void
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
 * or whose table has been replaced, is dropped. The modules whose targets are ready move; what stays behind is tried
 * again after 1–2 s, then up to 10 s, unless another rule asks for it.
 */
export class TransitionDesk {
  readonly #ports: TransitionPorts
  #pending: Pending | null = null
  #refused: {
    readonly what: string
    readonly failures: number
    readonly retryAtMs: number
  } | null = null

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
    if (this.#refused?.what === whatOf(verdict) && this.#ports.wallMs() < this.#refused.retryAtMs) {
      this.#pending = null
      return Promise.resolve()
    }
    const pending = { tableVersion: version, vector, verdict }
    this.#pending = pending
    return this.#check(pending)
  }

  async #check(pending: Pending): Promise<void> {
    let readiness: Readiness
    try {
      readiness = await this.#ports.preflight(pending.verdict)
    } catch (thrown) {
      readiness = { unready: -1, why: messageOf(thrown) }
    }
    if (this.#pending !== pending) return
    this.#pending = null
    const { output, sight } = pending.verdict
    const { unready, why } = readiness
    const vector = (output.vector & ~unready) | (sight.table.vector & unready)
    if (vector === output.vector) this.#refused = null
    else this.#backOff(whatOf(pending.verdict))
    if (vector === sight.table.vector) this.#ports.refuse(pending.verdict, why)
    else this.#ports.commit({ sight, output: { ...output, vector } }, why)
  }

  #backOff(what: string): void {
    const failures = this.#refused?.what === what ? this.#refused.failures + 1 : 0
    const waitMs = backoffMs(failures, RETRY_FIRST_MS, RETRY_MOST_MS, this.#ports.random)
    this.#refused = { what, failures, retryAtMs: this.#ports.wallMs() + waitMs }
  }
}

function whatOf({ output }: Verdict): string {
  return `${output.rule} ${output.proposed}`
}
