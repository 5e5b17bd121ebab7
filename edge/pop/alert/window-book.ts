import { type ModuleCounts, type OpenWindow, type TickWindow, withTick } from './tick-window.ts'

/** Ticks of a window. */
const TICKS = 5
/** Closed windows that are kept: an hour of ticks of one second. */
const KEEP = 720

/** The last windows of the PoP's ticks, in SQLite: what is ordinary is still known after a restart. */
export class WindowBook {
  readonly #sql: SqlStorage
  #open: OpenWindow | null

  constructor(sql: SqlStorage, open: OpenWindow | null) {
    this.#sql = sql
    this.#open = open
  }

  get open(): OpenWindow | null {
    return this.#open
  }

  /** Returns whether a window was closed by this tick. */
  push(
    tick: { readonly fromMs: number; readonly toMs: number; readonly isOdd: boolean },
    counts: readonly ModuleCounts[],
  ): boolean {
    const { ticks, ...window } = withTick(this.#open, tick, counts)
    if (ticks < TICKS) {
      this.#open = { ticks, ...window }
      return false
    }
    this.#open = null
    const key = Math.round(window.startMs)
    this.#sql.exec('INSERT OR REPLACE INTO windows VALUES (?, ?)', key, JSON.stringify(window))
    this.#sql.exec(
      'DELETE FROM windows WHERE start_ms > ? OR start_ms < (SELECT MIN(start_ms) FROM (SELECT start_ms FROM windows ORDER BY start_ms DESC LIMIT ?))',
      key,
      KEEP,
    )
    return true
  }

  /**
   * The windows since a moment, the open one among them, and the last `ordinary` before it in which nothing was odd; the
   * oldest first.
   */
  around(sinceMs: number, ordinary: number): TickWindow[] {
    const found: TickWindow[] = this.#open === null ? [] : [this.#open]
    let before = 0
    for (const { body } of this.#sql.exec<{ body: string }>(
      'SELECT body FROM windows ORDER BY start_ms DESC',
    )) {
      const window = JSON.parse(body) as TickWindow
      if (window.endMs <= sinceMs && window.isOdd) continue
      found.push(window)
      if (window.endMs <= sinceMs && ++before === ordinary) break
    }
    return found.reverse()
  }
}
