import type { FaultMetric } from '../../../contract/alert.ts'
import type { SuspectModule } from '../../../contract/messages.ts'
import type { Call } from '../../../core-wasm/root-cause/call-graph.ts'
import type { ModuleHistory, ModuleWindows } from '../../../core-wasm/root-cause/module-metrics.ts'
import { type Diagnosis as Ranking, rankRootCauses } from '../../../core-wasm/root-cause/rank-root-causes.ts'
import type { CallShare } from './call-book.ts'
import type { TickWindow, WindowCounts } from './tick-window.ts'

/** Where requests come in. No module can have this name. */
export const FRONT = 'the edge'

/** Windows of ordinary operation without which nothing is known to compare with. */
const LEAST_NORMAL = 10
/** The last ordinary windows, which carry the level of today. */
const RECENT = 12
/** Windows before the onset that may have been odd already. */
const GUARD = 2
/** Ordinary windows that are looked at: ten minutes of ticks of one second tell what is ordinary, more take longer. */
const MOST_NORMAL = 120
/** As many windows are asked for, of those since the onset and of those before it; five minutes tell who is at fault now. */
export const MOST_WINDOWS = { since: 60, ordinary: MOST_NORMAL + GUARD } as const
const MOST_SUSPECTS = 5
const METRICS: readonly FaultMetric[] = ['availability', 'latency']
/** JSON has no infinity. */
const MOST_DEVIATION = 1e6

/** Which modules are at fault, or why nobody is named. */
export type Diagnosis =
  | { readonly suspects: readonly SuspectModule[]; readonly undiagnosed: null }
  | { readonly suspects: null; readonly undiagnosed: string }

/**
 * Ranks the modules at fault for what has been odd since `sinceMs`: seen from the front door, then from the module that
 * is odd itself, in failures and in latency; the metric that left its ordinary course furthest is believed.
 * @param windows the oldest first
 * @param odd the module whose own ticks or series are odd, if one is
 */
export function diagnose(
  windows: readonly TickWindow[],
  calls: readonly CallShare[],
  sinceMs: number,
  odd: string | null,
): Diagnosis {
  const during = windows.filter(({ endMs }) => endMs > sinceMs).slice(-MOST_WINDOWS.since)
  const before = windows
    .filter(({ endMs, isOdd }) => endMs <= sinceMs && !isOdd)
    .slice(-MOST_WINDOWS.ordinary)
    .slice(0, -GUARD)
  if (before.length < LEAST_NORMAL)
    return none(
      `this PoP has seen too little ordinary traffic to tell who is at fault: ${before.length} of ${LEAST_NORMAL} windows of five ticks`,
    )
  const names = [...new Set(windows.flatMap(({ modules }) => Object.keys(modules)))]
  const outside = new Map(names.map((name) => [name, outsideShare(name, calls)]))
  const history = (read: (windows: readonly TickWindow[]) => ModuleWindows): ModuleHistory => ({
    normal: read(before),
    recent: read(before.slice(-RECENT)),
    during: read(during),
  })
  const metrics = new Map<string, ModuleHistory>([
    [FRONT, history((part) => frontReadings(part, outside))],
    ...names.map((name) => [name, history((part) => readingsOf(part, name))] as const),
  ])
  const graph = { calls: callsDuring(during, names, outside, calls) }
  for (const module of odd === null ? [FRONT] : [FRONT, odd]) {
    if (!metrics.has(module)) continue
    const rankings = METRICS.map((metric) => rankRootCauses(graph, metrics, { module, metric }))
    const found = rankings.filter(({ verdict }) => verdict === 'anomalous').sort(byDeviation)[0]
    const suspects = found === undefined ? [] : suspectsOf(found)
    if (suspects.length > 0) return { suspects, undiagnosed: null }
  }
  return none('no module is slower or fails more than it ordinarily does: it is the traffic that is odd')
}

function none(undiagnosed: string): Diagnosis {
  return { suspects: null, undiagnosed }
}

function byDeviation(a: Ranking, b: Ranking): number {
  return b.deviation - a.deviation
}

function suspectsOf({ suspects }: Ranking): SuspectModule[] {
  return suspects
    .filter(({ module }) => module !== FRONT)
    .slice(0, MOST_SUSPECTS)
    .map(({ module, metric, share, deviation, path }) => ({
      module,
      metric,
      share,
      deviation: Math.min(MOST_DEVIATION, Math.max(-MOST_DEVIATION, deviation)),
      path: path.slice(0, 32),
    }))
}

/** The share of a module's requests that no other module made. */
function outsideShare(module: string, calls: readonly CallShare[]): number {
  const inside = calls.filter(({ callee }) => callee === module).reduce((sum, { share }) => sum + share, 0)
  return Math.max(0, 1 - inside)
}

/** The calls that were made, with how many requests each edge had in these windows. */
function callsDuring(
  windows: readonly TickWindow[],
  names: readonly string[],
  outside: ReadonlyMap<string, number>,
  calls: readonly CallShare[],
): Call[] {
  const received = (module: string) =>
    windows.reduce((sum, window) => sum + (countsIn(window, module)?.[0] ?? 0), 0)
  const fromFront = names.map((callee) => ({ caller: FRONT, callee, share: outside.get(callee) ?? 1 }))
  return [...fromFront, ...calls]
    .filter(({ share }) => share > 0)
    .map(({ caller, callee, share }) => ({ caller, callee, requests: share * received(callee) }))
}

/** Undefined where the module had no request. */
function countsIn({ modules }: TickWindow, module: string): WindowCounts | undefined {
  return Object.hasOwn(modules, module) ? modules[module] : undefined
}

function readingsOf(windows: readonly TickWindow[], module: string): ModuleWindows {
  const counts = windows.map((window) => countsIn(window, module))
  return {
    requests: counts.map((one) => one?.[0] ?? 0),
    latencyMs: counts.map((one) => one?.[2] ?? Number.NaN),
    failureRate: counts.map((one) => (one === undefined || one[0] === 0 ? Number.NaN : one[1] / one[0])),
  }
}

/** What those outside saw: the modules' readings, weighed by the requests from outside. */
function frontReadings(windows: readonly TickWindow[], outside: ReadonlyMap<string, number>): ModuleWindows {
  const sums = windows.map(({ modules }) => {
    const sum = { requests: 0, failures: 0, timed: 0, waited: 0 }
    for (const [name, [requests, failures, latencyMs]] of Object.entries(modules)) {
      const share = outside.get(name) ?? 1
      sum.requests += share * requests
      sum.failures += share * failures
      if (latencyMs === null) continue
      sum.timed += share * requests
      sum.waited += share * requests * latencyMs
    }
    return sum
  })
  const ratio = (of: number, by: number) => (by > 0 ? of / by : Number.NaN)
  return {
    requests: sums.map(({ requests }) => requests),
    latencyMs: sums.map(({ waited, timed }) => ratio(waited, timed)),
    failureRate: sums.map(({ failures, requests }) => ratio(failures, requests)),
  }
}
