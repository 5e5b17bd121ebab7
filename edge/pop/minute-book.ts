import { type Aggregate, UNROUTED } from '../../contract/aggregate.ts'

const MINUTE_MS = 60_000
const SERIES = UNROUTED + 1
/** Share of a minute that must have been watched for its rate to be known. */
const MIN_COVER = 0.5

/** A closed minute. NaN: not watched for long enough to be known. Rates in the trace's requests a second. */
export interface MinuteRecord {
  readonly minuteStartMs: number
  readonly rps: number
  readonly errorRate: number
  /** By module index of the table in force. */
  readonly modules: readonly { readonly rps: number; readonly errorRate: number }[]
}

/** The minutes that are open, to go on with after a restart: start, time watched, and [index, requests, errors] each. */
export type OpenMinutes = readonly (readonly [
  startMs: number,
  coveredMs: number,
  counts: readonly (readonly [index: number, requests: number, errors: number])[],
])[]

interface OpenMinute {
  coveredMs: number
  readonly requests: Float64Array
  readonly errors: Float64Array
}

/**
 * Sorts aggregates into minutes of trace time by their bucket. A minute closes `graceMs` after its end, when the last
 * flush of it is in; what is reported later is lost to it. A minute that was watched only in part (the PoP was down) is
 * scaled up from that part, or unknown when it was less than half.
 */
export class MinuteBook {
  readonly #weight: number
  readonly #graceMs: number
  readonly #open = new Map<number, OpenMinute>()
  #nextMs: number

  /** @param fromMs trace time from which minutes are kept: the end of the last closed one, or now */
  constructor(options: { fromMs: number; weight: number; graceMs: number }, open: OpenMinutes = []) {
    this.#weight = options.weight
    this.#graceMs = options.graceMs
    this.#nextMs = floorMinute(options.fromMs)
    for (const [startMs, coveredMs, counts] of open) {
      const minute = this.#minute(startMs)
      if (minute === null) continue
      minute.coveredMs = coveredMs
      for (const [index, requests, errors] of counts) {
        minute.requests[index] = requests
        minute.errors[index] = errors
      }
    }
  }

  open(): OpenMinutes {
    return [...this.#open].map(([startMs, { coveredMs, requests, errors }]) => [
      startMs,
      coveredMs,
      [...requests.entries()]
        .filter(([, count]) => count > 0)
        .map(([index, count]) => [index, count, errors[index] ?? 0] as const),
    ])
  }

  add(aggregate: Aggregate): void {
    const minute = this.#minute(floorMinute(aggregate.bucketStartMs))
    if (minute === null) return
    for (const part of aggregate.modules) {
      minute.requests[part.module] = (minute.requests[part.module] ?? 0) + part.requests
      minute.errors[part.module] = (minute.errors[part.module] ?? 0) + part.errors5xx
    }
  }

  /** The PoP watched this stretch of trace time. */
  cover(fromMs: number, toMs: number): void {
    let at = Math.max(fromMs, this.#nextMs)
    while (at < toMs) {
      const end = Math.min(toMs, floorMinute(at) + MINUTE_MS)
      const minute = this.#minute(floorMinute(at))
      if (minute !== null) minute.coveredMs += end - at
      at = end
    }
  }

  /** Minutes that are over, the oldest first; at most `most` of them, the newest. */
  close(nowMs: number, moduleCount: number, most: number): MinuteRecord[] {
    const closed: MinuteRecord[] = []
    const until = floorMinute(nowMs - this.#graceMs)
    this.#nextMs = Math.max(this.#nextMs, until - most * MINUTE_MS)
    for (; this.#nextMs < until; this.#nextMs += MINUTE_MS) {
      closed.push(this.#record(this.#nextMs, this.#open.get(this.#nextMs), moduleCount))
    }
    for (const start of this.#open.keys()) if (start < this.#nextMs) this.#open.delete(start)
    return closed
  }

  /** The list of modules changed: what open minutes count per module now belongs to another index. */
  remap(indexOf: (index: number) => number): void {
    for (const minute of this.#open.values()) {
      for (const counts of [minute.requests, minute.errors]) {
        const old = counts.slice()
        counts.fill(0)
        old.forEach((count, index) => {
          const to = indexOf(index)
          counts[to] = (counts[to] ?? 0) + count
        })
      }
    }
  }

  #minute(startMs: number): OpenMinute | null {
    if (startMs < this.#nextMs) return null
    let minute = this.#open.get(startMs)
    if (minute === undefined) {
      minute = { coveredMs: 0, requests: new Float64Array(SERIES), errors: new Float64Array(SERIES) }
      this.#open.set(startMs, minute)
    }
    return minute
  }

  #record(minuteStartMs: number, minute: OpenMinute | undefined, moduleCount: number): MinuteRecord {
    const known = minute !== undefined && minute.coveredMs >= MINUTE_MS * MIN_COVER
    const seconds = known ? Math.min(minute.coveredMs, MINUTE_MS) / 1000 : Number.NaN
    const rate = (requests: number, errors: number) => ({
      rps: (requests * this.#weight) / seconds,
      errorRate: !known ? Number.NaN : requests === 0 ? 0 : errors / requests,
    })
    const sum = (counts: Float64Array | undefined) => counts?.reduce((all, count) => all + count, 0) ?? 0
    return {
      minuteStartMs,
      ...rate(sum(minute?.requests), sum(minute?.errors)),
      modules: Array.from({ length: moduleCount }, (_, index) =>
        rate(minute?.requests[index] ?? 0, minute?.errors[index] ?? 0),
      ),
    }
  }
}

export function floorMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS
}
