import { looseNames, vectorOf } from '../../contract/coupling.ts'
import type { Policy } from '../../contract/policy.ts'
import type { RouteTable } from './route-table.ts'

/** Bit i: module i has a contract and a loose target, so it may be broken out. */
export function loosableOf(policy: Policy): number {
  return policy.modules.reduce(
    (bits, module, index) =>
      module.loose !== undefined && module.contract !== undefined ? bits | (1 << index) : bits,
    0,
  )
}

/** Bit i: module i is broken out in HYBRID. A subset of `loosableOf`. */
export function hybridOf(policy: Policy): number {
  return vectorOf(policy.modules, policy.coupling.hybrid) & loosableOf(policy)
}

/** Where module `index` is answered from under a vector. */
export function targetOf(policy: Policy, index: number, vector: number): string {
  const module = policy.modules[index]
  if (module === undefined) return policy.origin
  const tight = module.tight ?? policy.origin
  return (vector & (1 << index)) !== 0 ? (module.loose ?? tight) : tight
}

/**
 * The vector of a table under another policy: modules keep their coupling by name; one that is new, or has lost its
 * loose target or its contract, is tight.
 */
export function carryVector(from: Pick<RouteTable, 'policy' | 'vector'>, to: Policy): number {
  return vectorOf(to.modules, looseNames(from.policy.modules, from.vector)) & loosableOf(to)
}

/** A target that a change of vector begins to use, and the path that says whether it is ready. */
export interface NewTarget {
  /** Names of the modules that begin to use it. */
  readonly module: string
  readonly target: string
  readonly health: string
  /** Whether this is the tight target, which need not have a health path of its own. */
  readonly tight: boolean
  /** Bit i: module i begins to use it. */
  readonly modules: number
}

/** The targets that going from one vector to another begins to use, each once. */
export function newTargets(policy: Policy, from: number, to: number): NewTarget[] {
  const targets = new Map<string, NewTarget>()
  policy.modules.forEach(({ name, health }, index) => {
    const target = targetOf(policy, index, to)
    if (target === targetOf(policy, index, from)) return
    const tight = (to & (1 << index)) === 0
    const key = `${target} ${health} ${tight}`
    const known = targets.get(key)
    const module = known === undefined ? name : `${known.module}, ${name}`
    targets.set(key, { module, target, health, tight, modules: (known?.modules ?? 0) | (1 << index) })
  })
  return [...targets.values()]
}
