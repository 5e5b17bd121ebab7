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
   * The latest windows since a moment, the open one among them, the one it lies in, and the last ordinary ones before it; the
   * oldest first.
   */
  around(sinceMs: number, most: { readonly since: number; readonly ordinary: number }): TickWindow[] {
    const atMs = Math.round(sinceMs)
    const since = this.#sql.exec<Row>(
      'SELECT body FROM windows WHERE start_ms >= ? ORDER BY start_ms DESC LIMIT ?',
      atMs,
      most.since,
    )
    const found = [...(this.#open === null ? [] : [this.#open]), ...[...since].map(windowOf)]
    const before = this.#sql.exec<Row>(
      'SELECT body FROM windows WHERE start_ms < ? ORDER BY start_ms DESC',
      atMs,
    )
    let ordinary = 0
    for (const row of before) {
      const window = windowOf(row)
      const isBefore = window.endMs <= sinceMs
      if (isBefore && window.isOdd) continue
      found.push(window)
      if (isBefore && ++ordinary === most.ordinary) break
    }
    return found.reverse()
  }
}

type Row = { readonly body: string }

function windowOf({ body }: Row): TickWindow {
  return JSON.parse(body) as TickWindow
}
