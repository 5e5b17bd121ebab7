import type { Fault } from '../../contract/errors.ts'
import type { PopView } from '../ingest/view.ts'

/** Where one PoP stands with a policy. */
export interface PopRollout {
  readonly pop: string
  /** `applied` the newest, `behind` it, `rejected` it, or never said anything about it (`unknown`). */
  readonly state: 'applied' | 'behind' | 'rejected' | 'unknown'
  /** The version that is in force there; null when it never said. */
  readonly running: number | null
  /** The last acknowledgement: of which version, and how it ended. */
  readonly version: number | null
  readonly outcome: 'applied' | 'rejected' | null
  readonly code: string | null
  readonly reason: string | null
  readonly faults: readonly Fault[]
  /** From push to applied (or rejected), milliseconds of wall time. */
  readonly latencyMs: number | null
  readonly lastSeenMs: number
  readonly stale: boolean
}

/** Who has what of a policy. PoPs that follow another policy and never acknowledged this one are left out. */
export function rolloutOf(
  policy: string,
  newest: number,
  pops: readonly PopView[],
  nowMs: number,
  staleMs: number,
): PopRollout[] {
  return pops
    .filter((pop) => pop.acks.has(policy) || pop.second?.policy.name === policy)
    .map((pop) => {
      const ack = pop.acks.get(policy)
      const told = pop.second?.policy.name === policy ? pop.second.policy.version : null
      const applied = ack?.outcome === 'applied' ? ack.version : null
      const running = told === null && applied === null ? null : Math.max(told ?? 0, applied ?? 0)
      return {
        pop: pop.pop,
        state: stateOf(running, newest, ack?.outcome === 'rejected' && ack.version === newest),
        running,
        version: ack?.version ?? null,
        outcome: ack?.outcome ?? null,
        code: ack?.code || null,
        reason: ack?.reason || null,
        faults: ack?.faults ?? [],
        latencyMs: ack ? Math.max(0, ack.appliedAtMs - ack.issuedAtMs) : null,
        lastSeenMs: pop.lastSeenMs,
        stale: nowMs - pop.lastSeenMs > staleMs,
      }
    })
}

function stateOf(running: number | null, newest: number, rejected: boolean): PopRollout['state'] {
  if (running !== null && running >= newest) return 'applied'
  if (rejected) return 'rejected'
  return running === null ? 'unknown' : 'behind'
}
