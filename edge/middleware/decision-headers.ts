import type { Exchange, Handler, Step } from './exchange.ts'
import { withHeaders } from './response-head.ts'

export interface DecisionHeadersOptions {
  readonly decision: boolean
  readonly serverTiming: boolean
  readonly wallMs: () => number
  /** Wall time at which the PoP object last confirmed the route table. */
  readonly confirmedMs: () => number
}

/**
 * Tells in the response what ATLAS did: `atlas-decision` (an RFC 9651 dictionary: mode, policy and its version, age of
 * the table in seconds, module and coupling) and `Server-Timing`. Costs a copy of the response's head.
 */
export function decisionHeaders({
  decision,
  serverTiming,
  wallMs,
  confirmedMs,
}: DecisionHeadersOptions): Step {
  return async function decisionHeaders(exchange: Exchange, next: Handler): Promise<Response> {
    const ageMs = wallMs() - confirmedMs()
    const answer = await next(exchange)
    return withHeaders(answer, (headers) => {
      if (decision) headers.set('atlas-decision', decisionOf(exchange, ageMs))
      if (serverTiming) headers.append('server-timing', timingOf(exchange, wallMs()))
    })
  }
}

function decisionOf({ table, module, would }: Exchange, ageMs: number): string {
  const parts = [
    `mode=${table.mode}`,
    `policy="${table.policyName}"`,
    `version=${table.policyVersion}`,
    `age=${Math.max(0, Math.floor(ageMs / 1000))}`,
    `module="${module.name}"`,
    `coupling=${module.loose ? 'loose' : 'tight'}`,
  ]
  if (would !== '') parts.push(`would="${would}"`)
  return parts.join(', ')
}

function timingOf({ startMs, originMs }: Exchange, nowMs: number): string {
  const totalMs = nowMs - startMs
  if (originMs < 0) return `atlas;dur=${totalMs.toFixed(1)}`
  return `atlas;dur=${Math.max(0, totalMs - originMs).toFixed(1)}, origin;dur=${originMs.toFixed(1)}`
}
