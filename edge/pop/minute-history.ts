import { LOOKBACK, type SeriesHistory } from '../../contract/model/series.ts'
import type { MinuteRecord, MinuteSeries } from './minute-book.ts'

const MINUTE_MS = 60_000
/** Three lookbacks, so that a longer one can be fed without waiting for it. */
const KEEP = 3 * LOOKBACK

/** CPU, memory and DB queue as shares; null: not reported. */
type StoredOrigin = readonly [cpu: number | null, memory: number | null, dbQueue: number | null]

interface StoredMinute {
  readonly rps: number | null
  readonly errorRate: number | null
  /** Not written by earlier builds. */
  readonly origin?: StoredOrigin | null
  readonly modules: Readonly<
    Record<string, readonly [rps: number | null, errorRate: number | null, origin?: StoredOrigin | null]>
  >
}

/** Closed minutes in SQLite: the forecaster's history survives a restart. */
export class MinuteHistory {
  readonly #sql: SqlStorage
  readonly #minutes = new Map<number, StoredMinute>()
  #endMs = Number.NEGATIVE_INFINITY

  constructor(sql: SqlStorage) {
    this.#sql = sql
    const rows = sql.exec<{ minute_start_ms: number; body: string }>(
      `SELECT minute_start_ms, body FROM minutes ORDER BY minute_start_ms DESC LIMIT ${KEEP}`,
    )
    for (const row of rows.toArray().reverse()) {
      this.#minutes.set(row.minute_start_ms, JSON.parse(row.body) as StoredMinute)
      this.#endMs = row.minute_start_ms + MINUTE_MS
    }
  }

  /** Trace time at the end of the last closed minute; -Infinity before the first. */
  get endMs(): number {
    return this.#endMs
  }

  /**
   * Adds the minute after the last one. One that is not known only moves the end.
   * @param names of the modules, in the order of the record's indexes
   */
  append(record: MinuteRecord, names: readonly string[]): void {
    this.#endMs = record.minuteStartMs + MINUTE_MS
    if (!Number.isFinite(record.rps)) return
    const stored: StoredMinute = {
      rps: orNull(record.rps),
      errorRate: orNull(record.errorRate),
      origin: originOf(record),
      modules: Object.fromEntries(
        record.modules.map((part, index) => [
          names[index] ?? String(index),
          [orNull(part.rps), orNull(part.errorRate), originOf(part)] as const,
        ]),
      ),
    }
    this.#sql.exec(
      'INSERT OR REPLACE INTO minutes VALUES (?, ?)',
      record.minuteStartMs,
      JSON.stringify(stored),
    )
    this.#sql.exec(
      'DELETE FROM minutes WHERE minute_start_ms <= ? OR minute_start_ms > ?',
      record.minuteStartMs - KEEP * MINUTE_MS,
      record.minuteStartMs,
    )
    for (const start of this.#minutes.keys()) {
      if (start <= record.minuteStartMs - KEEP * MINUTE_MS || start > record.minuteStartMs)
        this.#minutes.delete(start)
    }
    this.#minutes.set(record.minuteStartMs, stored)
  }

  /** How far back the last lookback is filled: minutes from its oldest known one to its end, and how many are known. */
  filled(): { readonly minutes: number; readonly known: number } {
    let minutes = 0
    let known = 0
    for (let back = 1; back <= LOOKBACK; back++) {
      const rps = this.#minutes.get(this.#endMs - back * MINUTE_MS)?.rps ?? null
      if (rps === null) continue
      minutes = back
      known++
    }
    return { minutes, known }
  }

  /**
   * The last lookback of the whole PoP (`total`) or of a module; NaN where a minute is missing. What the origin reports
   * is left out where no minute has it.
   */
  series(name: string): SeriesHistory {
    const rps: number[] = []
    const errorRate: number[] = []
    const origin: number[][] = [[], [], []]
    for (let back = LOOKBACK; back >= 1; back--) {
      const minute = this.#minutes.get(this.#endMs - back * MINUTE_MS)
      const part =
        name === 'total'
          ? ([minute?.rps, minute?.errorRate, minute?.origin] as const)
          : (minute?.modules[name] ?? [])
      rps.push(part[0] ?? Number.NaN)
      errorRate.push(part[1] ?? Number.NaN)
      for (const [index, values] of origin.entries()) values.push(part[2]?.[index] ?? Number.NaN)
    }
    const [cpu = [], memory = [], dbQueue = []] = origin
    return {
      name,
      stepS: 60,
      endMs: this.#endMs,
      rps,
      errorRate,
      ...(cpu.some(Number.isFinite) && { cpu }),
      ...(memory.some(Number.isFinite) && { memory }),
      ...(dbQueue.some(Number.isFinite) && { dbQueue }),
    }
  }
}

function originOf({ origin }: MinuteSeries): StoredOrigin | null {
  const { cpu, memory, dbQueueShare } = origin
  const stored = [orNull(cpu), orNull(memory), orNull(dbQueueShare)] as const
  return stored.every((value) => value === null) ? null : stored
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
