import { modeOf } from '../../contract/coupling.ts'
import { type Policy, parsePolicy } from '../../contract/policy.ts'
import { carryVector, loosableOf } from '../control/coupling-plan.ts'
import type { RouteTable } from '../control/route-table.ts'
import { RecentTables } from './recent-tables.ts'
import { TableJournal } from './table-journal.ts'

/**
 * The route table in force: resumed from the journal, and changed only through it, so that no table is handed out that
 * a restart would not know.
 */
export class TableKeeper {
  readonly #journal: TableJournal
  readonly recent: RecentTables

  /** @param defaults policy in force until central has sent one */
  constructor(sql: SqlStorage, policyName: string, defaults: Policy) {
    this.#journal = new TableJournal(sql)
    const bundled: RouteTable = {
      version: 0,
      policyName,
      policyVersion: 0,
      policy: defaults,
      vector: 0,
      mode: 'TIGHT',
    }
    const [last, ...older] = this.#journal.recent()
    this.recent = new RecentTables(last ?? bundled, last === undefined ? [] : [...older, bundled])
    if (last === undefined || last.policyName !== policyName || !isReadable(last.policy)) {
      this.#install({ ...bundled, version: (last?.version ?? 0) + 1 })
    } else if (last.policyVersion === 0 && JSON.stringify(last.policy) !== JSON.stringify(defaults)) {
      this.replacePolicy(policyName, 0, defaults)
    }
  }

  get current(): RouteTable {
    return this.recent.current
  }

  /** Puts another policy in force; modules keep their coupling by name. */
  replacePolicy(policyName: string, policyVersion: number, policy: Policy): RouteTable {
    return this.#next({ policyName, policyVersion, policy, vector: carryVector(this.current, policy) })
  }

  /** Puts another vector in force. */
  replaceVector(vector: number): RouteTable {
    return this.#next({ ...this.current, vector })
  }

  #next(part: Pick<RouteTable, 'policyName' | 'policyVersion' | 'policy' | 'vector'>): RouteTable {
    return this.#install({
      policyName: part.policyName,
      policyVersion: part.policyVersion,
      policy: part.policy,
      vector: part.vector,
      version: this.current.version + 1,
      mode: modeOf(part.vector, loosableOf(part.policy)),
    })
  }

  #install(table: RouteTable): RouteTable {
    this.#journal.append(table)
    this.recent.push(table)
    return table
  }
}

/** A journal of another build may hold a policy this one cannot use. */
function isReadable(policy: Policy): boolean {
  try {
    parsePolicy(policy)
    return true
  } catch {
    return false
  }
}
