import type { AckMessage, DecisionMessage, ModelMessage, SecondMessage } from '../../contract/messages.ts'
import type { PopView } from '../ingest/view.ts'

/** One PoP as the API, the page and atlasctl show it. */
export interface PopSummary {
  readonly pop: string
  /** Wall time of the last message, and how long ago that was. */
  readonly lastSeenMs: number
  readonly silentMs: number
  readonly stale: boolean
  readonly second: SecondMessage | null
  readonly acks: readonly AckMessage[]
  readonly lastDecision: DecisionMessage | null
  /** What it did with the last release of models. */
  readonly model: ModelMessage | null
}

export function summarize(view: PopView, nowMs: number, staleMs: number): PopSummary {
  const silentMs = Math.max(0, nowMs - view.lastSeenMs)
  return {
    pop: view.pop,
    lastSeenMs: view.lastSeenMs,
    silentMs,
    stale: silentMs > staleMs,
    second: view.second,
    acks: [...view.acks.values()],
    lastDecision: view.lastDecision,
    model: view.model,
  }
}
