import type { Draft, ForecasterState, ModelsState } from '../../contract/messages.ts'
import type { MinuteRecord } from './minute-book.ts'

/** A closed minute as the telemetry tells it. `names`: of the modules, in the order of the record's. */
export function minuteMessage(
  { minuteStartMs, rps, errorRate, modules, calls }: MinuteRecord,
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
    })),
    forecast: forecaster.kind === 'ready' ? forecaster.forecast : null,
    models,
    calls: calls.map(({ caller, callee, requests }) => ({
      caller: nameOf(caller),
      callee: nameOf(callee),
      requests: Math.round(requests),
    })),
  }
}
