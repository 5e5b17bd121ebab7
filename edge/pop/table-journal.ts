import type { RouteTable } from '../control/route-table.ts'

const KEEP_STABLE = 3

/**
 * Every route table, written before any isolate sees it, so that a PoP killed at any point resumes the same one.
 * The last three stable tables are kept beside the current one.
 */
export class TableJournal {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  current(): RouteTable | null {
    return this.recent()[0] ?? null
  }

  /** The current table and the stable ones before it, the newest first. */
  recent(): RouteTable[] {
    return this.#sql
      .exec<{ body: string }>('SELECT body FROM tables ORDER BY version DESC')
      .toArray()
      .map((row) => JSON.parse(row.body) as RouteTable)
  }

  /** Journals a new table; the one before it becomes stable. */
  append(table: RouteTable): void {
    this.#sql.exec('UPDATE tables SET stable = 1 WHERE stable = 0')
    this.#sql.exec('INSERT INTO tables VALUES (?, 0, ?)', table.version, JSON.stringify(table))
    this.#sql.exec(
      `DELETE FROM tables WHERE stable = 1 AND version NOT IN
        (SELECT version FROM tables WHERE stable = 1 ORDER BY version DESC LIMIT ${KEEP_STABLE})`,
    )
  }
}
