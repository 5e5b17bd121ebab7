import { UNROUTED } from '../../contract/aggregate.ts'
import { targetOf } from '../control/coupling-plan.ts'
import type { RouteTable } from '../control/route-table.ts'

const KEEP = 16

/** The current table and the ones before it: what isolates report was measured under one of these. */
export class RecentTables {
  #current: RouteTable
  #older: readonly RouteTable[]

  /** @param older among them the bundled default (version 0), under which an isolate starts */
  constructor(current: RouteTable, older: readonly RouteTable[]) {
    this.#current = current
    this.#older = older
  }

  get current(): RouteTable {
    return this.#current
  }

  push(table: RouteTable): void {
    this.#older = [this.#current, ...this.#older.slice(0, KEEP - 1)]
    this.#current = table
  }

  /** Whether that table lists the same modules in the same order as the current one. */
  hasSameModules(version: number): boolean {
    const from = this.#of(version)
    if (from === undefined) return false
    const [now, then] = [this.#current.policy.modules, from.policy.modules]
    return now === then || (now.length === then.length && now.every((one, i) => one.name === then[i]?.name))
  }

  /** The index in the current table of a module of another one; UNROUTED when it is gone or that table is forgotten. */
  indexNow(version: number, module: number): number {
    const from = this.#of(version)
    if (from === undefined) return UNROUTED
    if (from.policy === this.#current.policy) return module
    const name = from.policy.modules[module]?.name
    const index = this.#current.policy.modules.findIndex((one) => one.name === name)
    return index < 0 ? UNROUTED : index
  }

  /** Whether that table sends a module to the target that the current one sends it to. */
  isSameTarget(version: number, module: number): boolean {
    const from = this.#of(version)
    const index = this.indexNow(version, module)
    if (from === undefined || index === UNROUTED) return false
    const now = this.#current
    return targetOf(from.policy, module, from.vector) === targetOf(now.policy, index, now.vector)
  }

  #of(version: number): RouteTable | undefined {
    if (version === this.#current.version) return this.#current
    return this.#older.find((table) => table.version === version)
  }
}
