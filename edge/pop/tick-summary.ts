import { loadOf, UNROUTED } from '../../contract/aggregate.ts'
import type { ModuleState } from '../../contract/messages.ts'
import type { TickSummary } from '../../contract/model/series.ts'
import type { ModuleTotals, Totals } from '../../core-wasm/aggregator.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { ModuleCounts } from './alert/tick-window.ts'

/** Counts of one tick, of the trace's or the wall's time alike. */
export interface TickTotals {
  readonly modules: readonly ModuleTotals[]
  readonly total: Totals
}

const NOTHING = {
  requests: 0,
  limited: 0,
  errors5xx: 0,
  unreachable: 0,
  bytesOut: 0,
  p50Ms: null,
  p99Ms: null,
}

/** Load per series of the rate meter: module indexes, then UNROUTED's; their sum stands at `UNROUTED + 1`. */
export const TOTAL_SERIES = UNROUTED + 1

export function requestCounts(totals: TickTotals): Float64Array {
  const counts = new Float64Array(TOTAL_SERIES + 1)
  for (const part of totals.modules) counts[part.module] = loadOf(part)
  counts[TOTAL_SERIES] = loadOf(totals.total)
  return counts
}

/** What the anomaly features read of all traffic or a module. Shares and latencies are NaN in a tick without requests. */
export function summarise(totals: Totals | undefined, atMs: number, rps: number): TickSummary {
  const { errors5xx, unreachable, bytesOut, p50Ms, p99Ms, ...counts } = totals ?? NOTHING
  const requests = loadOf(counts)
  return {
    atMs,
    rps,
    errorRate: requests === 0 ? Number.NaN : errors5xx / requests,
    unreachableRate: requests === 0 ? Number.NaN : unreachable / requests,
    p50Ms: p50Ms ?? Number.NaN,
    p99Ms: p99Ms ?? Number.NaN,
    bytesPerS: requests === 0 ? Number.NaN : (bytesOut / requests) * rps,
  }
}

/** The modules of the table as the telemetry tells them. */
export function moduleStates(
  table: RouteTable,
  totals: TickTotals,
  rpsOf: (module: number) => number,
): ModuleState[] {
  return table.policy.modules.map((module, index): ModuleState => {
    const part = totals.modules.find((one) => one.module === index)
    return {
      name: module.name,
      loose: (table.vector & (1 << index)) !== 0,
      rps: rpsOf(index),
      requests: part?.requests ?? 0,
      errors4xx: part?.errors4xx ?? 0,
      errors5xx: part?.errors5xx ?? 0,
      unreachable: part?.unreachable ?? 0,
      shed: part?.shed ?? 0,
      p50Ms: part?.p50Ms ?? null,
      p95Ms: part?.p95Ms ?? null,
      p99Ms: part?.p99Ms ?? null,
    }
  })
}

/** Requests that matched no module. No module can have this name. */
const UNROUTED_NAME = '(unrouted)'

/** What each module did in a tick, by its name. */
export function moduleCounts({ policy }: RouteTable, { modules }: TickTotals): ModuleCounts[] {
  return modules.map(({ module, errors5xx, p95Ms, ...counts }) => ({
    name: policy.modules[module]?.name ?? UNROUTED_NAME,
    requests: loadOf(counts),
    failures: errors5xx,
    p95Ms,
  }))
}
