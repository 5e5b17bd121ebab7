import type { Metrics, Random } from '../../contract/ports.ts'
import type { LimitBook } from '../control/limit-book.ts'
import { couplingRouter } from '../middleware/coupling-router.ts'
import { deadline } from '../middleware/deadline.ts'
import { decisionHeaders } from '../middleware/decision-headers.ts'
import type { Handler, Step } from '../middleware/exchange.ts'
import { origin } from '../middleware/origin.ts'
import { rateLimit } from '../middleware/rate-limit.ts'
import { type TapSink, tap } from '../middleware/tap.ts'
import { traceContext } from '../middleware/trace-context.ts'
import type { DeadlineKeeper } from './deadline-keeper.ts'
import type { IncidentLog } from './incident-log.ts'
import type { ServedTable } from './served-table.ts'

export interface StepPorts {
  readonly random: Random
  readonly wallMs: () => number
  readonly metrics: Metrics
  readonly book: LimitBook
  /** Null: nobody takes the telemetry. */
  readonly sink: TapSink | null
  readonly bucketOf: (wallMs: number) => number
  readonly keeper: DeadlineKeeper
  readonly confirmedMs: () => number
  readonly incidents: IncidentLog
}

/**
 * The steps of a policy in their fixed order, without those it turns off. Those that look at the answer (headers, tap)
 * stand outermost, so that they see what the client gets, whichever step answered.
 */
export function stepsOf(
  { table: { policy }, limits }: ServedTable,
  ports: StepPorts,
): { readonly steps: readonly Step[]; readonly origin: Handler } {
  const { metrics, random, wallMs, incidents } = ports
  const { headers, steps, deadline: limit } = policy
  const chosen: Step[] = []
  if (headers.decision || headers.serverTiming) chosen.push(decisionHeaders({ ...headers, ...ports }))
  if (steps.tap !== 'off' && ports.sink !== null) chosen.push(tap({ ...ports, sink: ports.sink }))
  if (steps.trace !== 'off') {
    const callGraph = policy.callGraph !== 'off'
    chosen.push(traceContext({ random, shadow: steps.trace === 'shadow', callGraph }))
  }
  if (limit.mode !== 'off') chosen.push(deadline({ shadow: limit.mode === 'shadow', ...ports }))
  if (limits.size > 0) chosen.push(rateLimit({ limits, book: ports.book, metrics }))
  if (steps.router !== 'off') chosen.push(couplingRouter({ shadow: steps.router === 'shadow' }))
  return {
    steps: chosen,
    origin: origin({
      random,
      wallMs,
      onUnreachable: (id, { module, target }, detail) => {
        metrics.count('atlas_unreachable_total')
        const where = target.kind === 'url' ? target.prefix : target.kind
        incidents.add({ id, module: module.name, target: where, detail }, wallMs())
      },
    }),
  }
}
