import type { ModuleHistory, ModuleWindows } from '../../core-wasm/root-cause/module-metrics.ts'
import type { Issue, MetricTable } from './rca-petshop.ts'

/** Rows `from` until `to` of one module. Availability, a percentage in the files, becomes a failure rate. */
export function windowsOf(
  table: MetricTable,
  module: string,
  statistic: string,
  from = 0,
  to = table.startsS.length,
): ModuleWindows {
  const rows = (metric: string, statistics: readonly string[]) => {
    for (const candidate of statistics) {
      const column = table.column(module, metric, candidate)?.slice(from, to)
      if (column?.some(Number.isFinite)) return column
    }
    return []
  }
  return {
    requests: rows('requests', ['Sum']),
    latencyMs: rows('latency', [statistic, 'Average']).map((seconds) => seconds * 1000),
    failureRate: rows('availability', [statistic, 'Average']).map((percent) => 1 - percent / 100),
  }
}

/** Every module's ordinary operation, by module. */
export function normalOf(normal: MetricTable, statistic: string): Map<string, ModuleWindows> {
  return new Map(normal.modules.map((module) => [module, windowsOf(normal, module, statistic)]))
}

/** What is known of every module at an issue: windows that ended before the alarm are recent, the rest is during. */
export function historiesAt(
  normal: ReadonlyMap<string, ModuleWindows>,
  issue: Issue,
): Map<string, ModuleHistory> {
  const { metrics, statistic, alarmAtS } = issue
  const stepS = stepOf(metrics.startsS)
  const alarm = Math.max(
    0,
    metrics.startsS.findIndex((start) => !(start + stepS <= alarmAtS)),
  )
  const modules = new Set([...normal.keys(), ...metrics.modules])
  return new Map(
    [...modules].map((module) => [
      module,
      {
        normal: normal.get(module) ?? UNSEEN,
        recent: windowsOf(metrics, module, statistic, 0, alarm),
        during: windowsOf(metrics, module, statistic, alarm),
      },
    ]),
  )
}

const UNSEEN: ModuleWindows = { requests: [], latencyMs: [], failureRate: [] }

/**
 * Spans of ordinary operation, each told as normal until some window and as an anomaly from there: from half of the
 * windows on, every tenth of them, as the dataset's authors measure specificity.
 */
export function ordinarySplits(normal: ReadonlyMap<string, ModuleWindows>): Map<string, ModuleHistory>[] {
  const windows = Math.max(
    0,
    ...[...normal.values()].map(({ requests, latencyMs }) => Math.max(requests.length, latencyMs.length)),
  )
  const splits: Map<string, ModuleHistory>[] = []
  for (let at = windows >> 1; at < windows - 3; at += Math.max(1, Math.floor(windows / 10)))
    splits.push(
      new Map(
        [...normal].map(([module, all]) => [module, { normal: slice(all, 0, at), during: slice(all, at) }]),
      ),
    )
  return splits
}

function slice(windows: ModuleWindows, from: number, to?: number): ModuleWindows {
  const cut = (values: ArrayLike<number>) => Array.from(values).slice(from, to)
  return {
    requests: cut(windows.requests),
    latencyMs: cut(windows.latencyMs),
    failureRate: cut(windows.failureRate),
  }
}

/** The usual distance of window starts, seconds. */
function stepOf(startsS: readonly number[]): number {
  const steps = startsS.slice(1).map((start, at) => start - (startsS[at] ?? Number.NaN))
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? Number.POSITIVE_INFINITY
}
