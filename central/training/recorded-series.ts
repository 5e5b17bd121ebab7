import type { MinuteMessage } from '../../contract/messages.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Of the series' time, what is used at most. */
export const KEEP_MS = 35 * DAY_MS
/** After a gap longer than this a record begins anew. */
const LONGEST_GAP_MS = 7 * DAY_MS

/** What is read of a minute: what PoPs themselves forecast from. */
export type RecordedMinute = Pick<MinuteMessage, 'minuteStartMs' | 'rps' | 'errorRate' | 'origin'>

/** Beyond this no PoP's traffic lies, and sums of squares are still far from infinity. */
const MOST_RPS = 1e9
/** End of the year 9999. */
const LAST_MS = 253_402_300_799_999

/** Whether a minute can be trained from: its time is a date, and its rate one that traffic can have. */
export function isUsable({ minuteStartMs, rps }: RecordedMinute): boolean {
  return minuteStartMs > 0 && minuteStartMs <= LAST_MS && rps >= 0 && rps <= MOST_RPS
}

/**
 * Folds a PoP's recorded minutes, in the order they were stored, into a series on a grid of minutes. Time that runs backwards
 * is another trace: what stood there before is forgotten, as a PoP forgets it.
 */
export class SeriesRecorder {
  #minutes: RecordedMinute[] = []

  take({ minuteStartMs, rps, errorRate, origin }: RecordedMinute): void {
    const last = this.#minutes.at(-1)?.minuteStartMs ?? Number.NEGATIVE_INFINITY
    if (minuteStartMs <= last)
      this.#minutes = this.#minutes.filter((minute) => minute.minuteStartMs < minuteStartMs)
    else if (minuteStartMs - last > LONGEST_GAP_MS) this.#minutes = []
    this.#minutes.push({ minuteStartMs, rps, errorRate, origin })
  }

  /** The last five weeks of it, NaN where a minute is missing; null before the first. */
  series(name: string): TrafficSeries | null {
    const end = this.#minutes.at(-1)
    if (end === undefined) return null
    const minutes = this.#minutes.filter(({ minuteStartMs }) => minuteStartMs > end.minuteStartMs - KEEP_MS)
    const startMs = minutes[0]?.minuteStartMs ?? end.minuteStartMs
    const size = Math.round((end.minuteStartMs - startMs) / MINUTE_MS) + 1
    const values = (read: (minute: RecordedMinute) => number | null | undefined) => {
      const on = new Float64Array(size).fill(Number.NaN)
      for (const minute of minutes)
        on[Math.round((minute.minuteStartMs - startMs) / MINUTE_MS)] = read(minute) ?? Number.NaN
      return on
    }
    const [cpu, memory, dbQueue] = [
      values(({ origin }) => origin?.cpu),
      values(({ origin }) => origin?.memory),
      values(({ origin }) => origin?.dbQueueShare),
    ]
    return {
      name,
      stepS: 60,
      startMs,
      rps: values(({ rps }) => rps),
      errorRate: values(({ errorRate }) => errorRate),
      ...(cpu.some(Number.isFinite) && { cpu }),
      ...(memory.some(Number.isFinite) && { memory }),
      ...(dbQueue.some(Number.isFinite) && { dbQueue }),
    }
  }
}
