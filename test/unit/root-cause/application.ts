import type { Call } from '../../../core-wasm/root-cause/call-graph.ts'
import type { ModuleHistory, ModuleWindows } from '../../../core-wasm/root-cause/module-metrics.ts'
import { gaussian } from './random.ts'

/** What a module does to each request by itself, apart from its callees. */
export interface Fault {
  readonly module: string
  readonly delayMs?: number
  readonly failures?: number
}

/** Calls with how many of them one request of the caller makes. */
export interface Route extends Call {
  readonly perRequest: number
}

export interface Application {
  readonly front: string
  readonly calls: readonly Route[]
  /** Own latency and own failure rate of each module on an ordinary day. */
  readonly own: ReadonlyMap<string, { readonly latencyMs: number; readonly failures: number }>
  readonly requestsPerWindow: number
}

/** An application whose modules all behave alike: 10 ms of their own, one failure in a thousand. */
export function application(
  front: string,
  calls: readonly (readonly [string, string, number?])[],
): Application {
  const routes = calls.map(([caller, callee, perRequest = 1]) => ({ caller, callee, perRequest }))
  const modules = new Set([front, ...routes.flatMap(({ caller, callee }) => [caller, callee])])
  const own = new Map([...modules].map((module) => [module, { latencyMs: 10, failures: 0.001 }]))
  return { front, calls: routes, own, requestsPerWindow: 500 }
}

/**
 * Windows of every module: a caller calls its callees one after another and fails when one of them does. Means spread
 * as means of exponential latencies do, failures as counts do. A call back to a module that is already being served
 * adds nothing.
 */
export function operate(
  app: Application,
  windows: number,
  uniform: () => number,
  faults: readonly Fault[] = [],
): Map<string, ModuleWindows> {
  const visits = new Map<string, Visit[]>()
  visit(app, app.front, { share: 1, serving: new Set() }, visits)
  const history = new Map(
    [...app.own.keys()].map((module) => [
      module,
      { requests: [] as number[], latencyMs: [] as number[], failureRate: [] as number[] },
    ]),
  )
  for (let window = 0; window < windows; window++) {
    const traffic = app.requestsPerWindow * (1 + 0.1 * gaussian(uniform))
    for (const [module, windowsOfModule] of history) {
      const { share, latencyMs, failures } = meanBehaviour(app, module, faults, visits.get(module) ?? [])
      const served = Math.max(1, Math.round(traffic * share))
      windowsOfModule.requests.push(served)
      windowsOfModule.latencyMs.push(latencyMs * (1 + gaussian(uniform) / Math.sqrt(served)))
      windowsOfModule.failureRate.push(binomial(served, failures, uniform) / served)
    }
  }
  return history
}

/** Ordinary days, then an anomaly. */
export function incident(
  app: Application,
  faults: readonly Fault[],
  uniform: () => number,
): Map<string, ModuleHistory> {
  const normal = operate(app, 120, uniform)
  const recent = operate(app, 2, uniform)
  const during = operate(app, 4, uniform, faults)
  const none: ModuleWindows = { requests: [], latencyMs: [], failureRate: [] }
  return new Map(
    [...app.own.keys()].map((module) => [
      module,
      {
        normal: normal.get(module) ?? none,
        recent: recent.get(module) ?? none,
        during: during.get(module) ?? none,
      },
    ]),
  )
}

/** One way by which requests reach a module: how many per request at the front door, and who waits meanwhile. */
interface Visit {
  readonly share: number
  readonly serving: ReadonlySet<string>
}

function visit(app: Application, module: string, from: Visit, visits: Map<string, Visit[]>): void {
  visits.set(module, [...(visits.get(module) ?? []), from])
  const serving = new Set([...from.serving, module])
  for (const { caller, callee, perRequest } of app.calls)
    if (caller === module && !serving.has(callee))
      visit(app, callee, { share: from.share * perRequest, serving }, visits)
}

function meanBehaviour(app: Application, module: string, faults: readonly Fault[], visits: readonly Visit[]) {
  const mean = { share: 0, latencyMs: 0, failures: 0 }
  const total = visits.reduce((sum, { share }) => sum + share, 0)
  for (const { share, serving } of visits) {
    const { latencyMs, failures } = behaviour(app, module, faults, serving)
    mean.share += share
    mean.latencyMs += (latencyMs * share) / total
    mean.failures += (failures * share) / total
  }
  return mean
}

function behaviour(
  app: Application,
  module: string,
  faults: readonly Fault[],
  serving: ReadonlySet<string>,
): { latencyMs: number; failures: number } {
  const fault = faults.find((candidate) => candidate.module === module)
  const own = app.own.get(module) ?? { latencyMs: 0, failures: 0 }
  let latencyMs = own.latencyMs + (fault?.delayMs ?? 0)
  let failures = own.failures + (fault?.failures ?? 0)
  const within = new Set([...serving, module])
  for (const { callee, perRequest } of app.calls.filter((call) => call.caller === module)) {
    if (within.has(callee)) continue
    const below = behaviour(app, callee, faults, within)
    latencyMs += perRequest * below.latencyMs
    failures += perRequest * below.failures
  }
  return { latencyMs, failures: Math.min(1, failures) }
}

function binomial(trials: number, chance: number, uniform: () => number): number {
  let count = 0
  for (let trial = 0; trial < trials; trial++) if (uniform() < chance) count++
  return count
}
