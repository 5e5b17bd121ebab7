import { UNROUTED } from '../../contract/aggregate.ts'
import type { LimitPolicy, Policy } from '../../contract/policy.ts'
import { targetOf } from '../control/coupling-plan.ts'
import { type Gcra, gcra } from '../control/gcra.ts'
import type { RouteTable } from '../control/route-table.ts'
import { NO_MATCH, RouteTrie } from '../control/route-trie.ts'
import { parseTarget, type Target } from '../control/target.ts'
import type { ServedModule } from '../middleware/exchange.ts'
import type { ServedLimit } from '../middleware/rate-limit.ts'

/** A route table compiled for serving: once a version, and never changed. */
export interface ServedTable {
  readonly table: RouteTable
  readonly origin: Target
  readonly modules: readonly ServedModule[]
  readonly limits: ReadonlyMap<number, readonly ServedLimit[]>
  /** Rate of each limit by name. */
  readonly rates: ReadonlyMap<string, Gcra>
  /** The module of a request. */
  moduleOf(method: string, path: string): ServedModule
}

/** Version 0: the bundled policy, everything tight, until the PoP object has answered. */
export function bundledTable(policyName: string, policy: Policy): RouteTable {
  return { version: 0, policyName, policyVersion: 0, policy, vector: 0, mode: 'TIGHT' }
}

/** @throws AtlasError `policy/invalid` for a policy that was not parsed by `parsePolicy` */
export function serveTable(table: RouteTable): ServedTable {
  const { policy, vector } = table
  const trie = new RouteTrie()
  const origin = parseTarget(policy.origin)
  const modules = policy.modules.map((module, index): ServedModule => {
    for (const route of module.routes) trie.add(route, index)
    return {
      index,
      name: module.name,
      target: parseTarget(targetOf(policy, index, vector)),
      loose: module.loose !== undefined && (vector & (1 << index)) !== 0,
      timeoutMs: module.contract?.timeoutMs ?? policy.deadline.defaultMs,
    }
  })
  const unrouted: ServedModule = {
    index: UNROUTED,
    name: 'unrouted',
    target: origin,
    loose: false,
    timeoutMs: policy.deadline.defaultMs,
  }
  return {
    table,
    origin,
    modules,
    limits: limitsOf(policy),
    rates: new Map(policy.limits.map(({ name, rps, burst }) => [name, gcra(rps, burst)])),
    moduleOf(method, path) {
      const index = trie.match(method, path)
      return index === NO_MATCH ? unrouted : (modules[index] ?? unrouted)
    },
  }
}

function limitsOf(policy: Policy): Map<number, ServedLimit[]> {
  const limits = new Map<number, ServedLimit[]>()
  const served = policy.limits.filter((limit) => limit.mode !== 'off')
  if (served.length === 0) return limits
  const names = policy.modules.map((module) => module.name)
  for (const index of [...names.keys(), UNROUTED]) {
    const applied = served.filter(
      ({ modules }) => modules === undefined || modules.includes(names[index] ?? ''),
    )
    if (applied.length > 0)
      limits.set(
        index,
        applied.map((limit) => servedLimit(limit, policy.clientIpHeader)),
      )
  }
  return limits
}

function servedLimit(limit: LimitPolicy, clientIpHeader: string): ServedLimit {
  const { name, mode, key, rps, burst } = limit
  return {
    name,
    shadow: mode === 'shadow',
    burst,
    rps,
    rate: gcra(rps, burst),
    key:
      key === 'route'
        ? { kind: 'route' }
        : { kind: 'header', name: key === 'client' ? clientIpHeader : key.slice('header:'.length) },
  }
}
