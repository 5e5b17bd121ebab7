import { UNROUTED } from '../../../contract/aggregate.ts'
import type { Quantiles } from '../../../contract/messages.ts'
import { type Reading, type SeriesView, SeriesWatch } from '../../../core-wasm/anomaly/series-watch.ts'
import type { StreamState } from '../../../core-wasm/anomaly/stream-detector.ts'
import type { MinuteRecord } from '../minute-book.ts'

const MINUTE_MS = 60_000
/** Failures of a minute that are no sign of anything: after weeks without one, a single one would be the rarest there was. */
const FEW_FAILURES = 1

type Part = Pick<MinuteRecord, 'rps' | 'errorRate' | 'p95Ms' | 'requests'>

/** Watches the series of minutes, each with its past in a row of SQLite. */
export class SeriesDesk {
  readonly #sql: SqlStorage
  readonly #watch: SeriesWatch

  constructor(sql: SqlStorage) {
    this.#sql = sql
    const rows = sql.exec<{ series: string; state: string }>('SELECT series, state FROM streams').toArray()
    this.#watch = new SeriesWatch(
      new Map(rows.map(({ series, state }) => [series, JSON.parse(state) as StreamState])),
    )
  }

  /**
   * Judges a closed minute and keeps what was learnt of it.
   * @param names of the modules, in the order of the record's
   * @param expected what was forecast for it five minutes before; null where nothing was
   */
  minuteClosed(minute: MinuteRecord, names: readonly string[], expected: Quantiles | null): SeriesView {
    const view = this.#watch.push(readingsOf(minute, names, expected), minute.minuteStartMs + MINUTE_MS)
    const memory = this.#watch.memory()
    const known = this.#sql.exec<{ series: string }>('SELECT series FROM streams').toArray()
    for (const { series } of known) {
      if (!memory.has(series)) this.#sql.exec('DELETE FROM streams WHERE series = ?', series)
    }
    for (const [series, state] of memory) {
      this.#sql.exec('INSERT OR REPLACE INTO streams VALUES (?, ?)', series, JSON.stringify(state))
    }
    return view
  }
}

/** Three series a module, and of all traffic those and how far it is from its forecast. */
export function readingsOf(
  minute: MinuteRecord,
  names: readonly string[],
  expected: Quantiles | null,
): Reading[] {
  const of = (module: string | null, part: Part): Reading[] => [
    { module, measure: 'rate', value: part.rps },
    { module, measure: 'errors', value: errorsOf(part) },
    { module, measure: 'latency', value: part.p95Ms },
  ]
  const width = expected === null ? 0 : expected.p90 - expected.p10
  const residual = expected === null || width <= 0 ? Number.NaN : (minute.rps - expected.p50) / width
  return [
    ...of(null, minute),
    { module: null, measure: 'residual', value: residual },
    ...names.flatMap((name, index) => {
      const part = minute.modules[index]
      return part === undefined || index >= UNROUTED ? [] : of(name, part)
    }),
  ]
}

function errorsOf({ errorRate, requests }: Part): number {
  return Math.round(errorRate * requests) <= FEW_FAILURES ? 0 : errorRate
}
