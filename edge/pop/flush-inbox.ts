import { type Aggregate, type CallCount, UNROUTED } from '../../contract/aggregate.ts'
import type { Aggregator } from '../../core-wasm/aggregator.ts'
import type { CheckedReport } from './flush-check.ts'
import type { RecentTables } from './recent-tables.ts'

const MAX_WAITING = 20_000

/** Requests of one module to its current target. */
export interface Reached {
  requests: number
  unreachable: number
}

/**
 * Aggregates wait here for the tick: a flush costs only the queueing of its report. They are merged under the table that is in
 * force then, module by module by name, however the policy has changed since they were measured.
 */
export class FlushInbox {
  #waiting: { readonly tableVersion: number; readonly aggregate: Aggregate }[] = []
  #refused = 0

  /** Aggregates that were malformed, or too many, since this object started. */
  get refused(): number {
    return this.#refused
  }

  add(report: CheckedReport): void {
    for (const aggregate of report.aggregates) {
      if (this.#waiting.length === MAX_WAITING) this.#refused++
      else this.#waiting.push({ tableVersion: report.tableVersion, aggregate })
    }
  }

  /**
   * Merges what waits. `each` is called with every aggregate that was good.
   * @returns by module index: requests to the target the module has now (crash detection must not blame it for another's)
   */
  merge(tables: RecentTables, into: Aggregator, each: (aggregate: Aggregate) => void): Map<number, Reached> {
    const reached = new Map<number, Reached>()
    const waiting = this.#waiting
    this.#waiting = []
    for (const { tableVersion, aggregate } of waiting) {
      try {
        for (const part of indexedNow(aggregate, tableVersion, tables)) {
          into.add(part)
          each(part)
        }
      } catch {
        this.#refused++
        continue
      }
      for (const part of aggregate.modules) {
        if (!tables.isSameTarget(tableVersion, part.module)) continue
        const index = tables.indexNow(tableVersion, part.module)
        const sum = reached.get(index) ?? { requests: 0, unreachable: 0 }
        sum.requests += part.requests - part.shed
        sum.unreachable += part.unreachable
        reached.set(index, sum)
      }
    }
    return reached
  }
}

/** The aggregate under the current table's indexes; split where two modules come to share one. */
function indexedNow(aggregate: Aggregate, version: number, tables: RecentTables): Aggregate[] {
  if (tables.hasSameModules(version)) return [aggregate]
  const indexNow = (module: number) => (module === UNROUTED ? UNROUTED : tables.indexNow(version, module))
  return aggregate.modules.map((part) => {
    const module = indexNow(part.module)
    const calls = aggregate.calls
      ?.filter(({ callee }) => callee === part.module)
      .flatMap(({ caller, requests }): CallCount[] => {
        const from = indexNow(caller)
        return from === UNROUTED ? [] : [{ caller: from, callee: module, requests }]
      })
    return {
      bucketStartMs: aggregate.bucketStartMs,
      modules: [{ ...part, module }],
      ...(calls !== undefined && { calls }),
    }
  })
}
