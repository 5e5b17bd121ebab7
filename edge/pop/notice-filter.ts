import type { DecisionOutput } from '../../contract/decision.ts'
import type { DecisionMessage } from '../../contract/messages.ts'

const REPEAT_MS = 60_000

/** Lets a held or refused decision be told once: again only when it changes, or after a minute of wall time. */
export class NoticeFilter {
  #key = ''
  #toldAtMs = Number.NEGATIVE_INFINITY

  isNews(output: DecisionOutput, outcome: DecisionMessage['outcome'], wallMs: number): boolean {
    const key = `${output.rule} ${output.guard} ${output.proposed} ${outcome}`
    if (outcome !== 'applied' && key === this.#key && wallMs - this.#toldAtMs < REPEAT_MS) return false
    this.#key = key
    this.#toldAtMs = wallMs
    return true
  }

  /** Nothing is held or refused any more: the next one is news. */
  clear(): void {
    this.#key = ''
  }
}
