import type { Draft, ForecasterState, ReportedOrigin } from '../../contract/messages.ts'
import type { ModelsState } from '../../contract/models-state.ts'
import { ORIGIN_MEASURES, type OriginLoad } from '../control/origin-metrics.ts'
import type { MinuteRecord } from './minute-book.ts'

/** A closed minute as the telemetry tells it. `names`: of the modules, in the order of the record's. */
export function minuteMessage(
  { minuteStartMs, rps, errorRate, modules, calls, origin }: MinuteRecord,
  names: readonly string[],
  told: { readonly atMs: number; readonly forecaster: ForecasterState; readonly models: ModelsState },
): Draft {
  const { atMs, forecaster, models } = told
  const nameOf = (index: number) => names[index] ?? String(index)
  return {
    kind: 'minute',
    atMs,
    minuteStartMs,
    rps,
    errorRate,
    modules: modules.map((part, index) => ({
      name: nameOf(index),
      rps: part.rps,
      errorRate: part.errorRate,
      ...reported(part.origin),
    })),
    ...reported(origin),
    forecast: forecaster.kind === 'ready' ? forecaster.forecast : null,
    models,
    calls: calls.map(({ caller, callee, requests }) => ({
      caller: nameOf(caller),
      callee: nameOf(callee),
      requests: Math.round(requests),
    })),
  }
}

/** What an origin reported; left out when it did not report. */
export function reported(load: OriginLoad): { readonly origin?: ReportedOrigin } {
  if (!ORIGIN_MEASURES.some((measure) => Number.isFinite(load[measure]))) return {}
  const of = (value: number) => (Number.isFinite(value) ? value : null)
  return {
    origin: {
      cpu: of(load.cpu),
      memory: of(load.memory),
      dbQueue: of(load.dbQueue),
      dbQueueShare: of(load.dbQueueShare),
      messageQueue: of(load.messageQueue),
    },
  }
}
