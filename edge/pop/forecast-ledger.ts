import type { Forecast, Quantiles } from '../../contract/messages.ts'
import type { ErrorSums } from '../../contract/models-state.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Errors are kept for this long of the series' time. */
const KEEP_MS = 35 * DAY_MS
const HORIZONS = [
  ['in5', 5],
  ['in15', 15],
  ['in60', 60],
] as const

export type Horizons<T> = Readonly<Record<'in5' | 'in15' | 'in60', T>>
export type PairedSums = ErrorSums & { readonly championError: number }

/** A champion's errors stand under no pair. */
const ALONE = ''

/**
 * What models said of each minute, and how far off they were once it had come: sums per hour in SQLite, so that a PoP
 * killed in between goes on with them. A rival is only measured where the champion, too, forecast the same minute.
 */
export class ForecastLedger {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Keeps a forecast of the whole PoP until its minutes have come. */
  note(ref: string, forecast: Forecast): void {
    const { in5, in15, in60, madeAtMs } = forecast
    this.#sql.exec(
      'INSERT OR REPLACE INTO forecasts VALUES (?, ?, ?)',
      ref,
      madeAtMs,
      JSON.stringify({ in5, in15, in60 }),
    )
    this.#sql.exec(
      'DELETE FROM forecasts WHERE made_at_ms < ? OR made_at_ms > ?',
      madeAtMs - 90 * MINUTE_MS,
      madeAtMs,
    )
  }

  /** A minute has come: whoever forecast it is measured by it. Returns whether the pair was. */
  score(endMs: number, actual: number, champion: string, rival: string | null): boolean {
    let paired = false
    const hourMs = Math.floor(endMs / HOUR_MS) * HOUR_MS
    for (const [horizon, minutes] of HORIZONS) {
      const madeAtMs = endMs - minutes * MINUTE_MS
      const own = this.#forecast(champion, madeAtMs)?.[horizon]
      if (own === undefined) continue
      const ownError = Math.abs(own.p50 - actual)
      this.#add([champion, ALONE, horizon, hourMs], actual, ownError, isInside(own, actual), 0)
      const other = rival === null ? undefined : this.#forecast(rival, madeAtMs)?.[horizon]
      if (rival === null || other === undefined) continue
      const error = Math.abs(other.p50 - actual)
      this.#add([rival, champion, horizon, hourMs], actual, error, isInside(other, actual), ownError)
      paired = true
    }
    this.#sql.exec('DELETE FROM scores WHERE hour_ms < ?', endMs - KEEP_MS)
    return paired
  }

  /** What a model said at +5 min of the minute that ends then; null when it said nothing. */
  expected(ref: string, endMs: number): Quantiles | null {
    return this.#forecast(ref, endMs - 5 * MINUTE_MS)?.in5 ?? null
  }

  /** A champion's errors since a time; all that are kept by default. */
  alone(ref: string, sinceMs = 0): Horizons<ErrorSums> {
    const sums = this.#sums(ref, ALONE, sinceMs)
    const plain = ({ championError: _, ...rest }: PairedSums): ErrorSums => rest
    return { in5: plain(sums.in5), in15: plain(sums.in15), in60: plain(sums.in60) }
  }

  /** A rival's errors, and the champion's over the same minutes. */
  paired(ref: string, champion: string): Horizons<PairedSums> {
    return this.#sums(ref, champion, 0)
  }

  /** A pair begins: what an earlier pairing of the two measured does not count. */
  begin(ref: string, champion: string): void {
    this.#sql.exec('DELETE FROM scores WHERE ref = ? AND against = ?', ref, champion)
  }

  #forecast(ref: string, madeAtMs: number): Forecast | undefined {
    const row = this.#sql
      .exec<{ body: string }>('SELECT body FROM forecasts WHERE ref = ? AND made_at_ms = ?', ref, madeAtMs)
      .toArray()[0]
    return row === undefined ? undefined : (JSON.parse(row.body) as Forecast)
  }

  #add(
    key: readonly (string | number)[],
    actual: number,
    error: number,
    inside: number,
    against: number,
  ): void {
    this.#sql.exec(
      `INSERT INTO scores VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?)
       ON CONFLICT (ref, against, horizon, hour_ms) DO UPDATE SET
         count = count + 1, actual = actual + excluded.actual, error = error + excluded.error,
         inside = inside + excluded.inside, against_error = against_error + excluded.against_error`,
      ...key,
      actual,
      error,
      inside,
      against,
    )
  }

  #sums(ref: string, against: string, sinceMs: number): Horizons<PairedSums> {
    const rows = this.#sql
      .exec<{ horizon: string } & { [K in keyof PairedSums]: number }>(
        `SELECT horizon, SUM(count) AS count, SUM(actual) AS actual, SUM(error) AS error, SUM(inside) AS inside,
           SUM(against_error) AS championError
         FROM scores WHERE ref = ? AND against = ? AND hour_ms >= ? GROUP BY horizon`,
        ref,
        against,
        sinceMs,
      )
      .toArray()
    const of = (name: string): PairedSums => {
      const row = rows.find(({ horizon }) => horizon === name)
      return {
        count: row?.count ?? 0,
        actual: row?.actual ?? 0,
        error: row?.error ?? 0,
        inside: row?.inside ?? 0,
        championError: row?.championError ?? 0,
      }
    }
    return { in5: of('in5'), in15: of('in15'), in60: of('in60') }
  }
}

function isInside({ p10, p90 }: { p10: number; p90: number }, actual: number): 0 | 1 {
  return p10 <= actual && actual <= p90 ? 1 : 0
}
