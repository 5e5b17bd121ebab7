import { type Aggregate, loadOf, UNROUTED } from '../../contract/aggregate.ts'
import type { Core } from '../../core-wasm/core.ts'
import type { OriginLoad } from '../control/origin-metrics.ts'
import { type CallRow, MinuteCalls } from './minute-calls.ts'
import { MinuteLatency } from './minute-latency.ts'
import { ALL_ORIGINS, MinuteOrigin, type OriginRow } from './minute-origin.ts'

const MINUTE_MS = 60_000
const SERIES = UNROUTED + 1
/** Share of a minute that must have been watched for its rate to be known. */
const MIN_COVER = 0.5
/** When time has gone back by more than this the clock was wrong before: minutes begin anew, and do not wait until then. */
const SET_BACK_MS = 5 * MINUTE_MS

/** One module, or all traffic, in a closed minute. NaN: not watched for long enough to be known. */
export interface MinuteSeries {
  /** The trace's requests a second. */
  readonly rps: number
  readonly errorRate: number
  /** Latency to the first byte, within 1 %; NaN without a request that was not refused by a limit. */
  readonly p95Ms: number
  /** Requests that were counted and no limit refused, of the trace's: of a minute watched in part, those of that part. */
  readonly requests: number
  /** Means of what the origin that answers for it reported of itself; NaN where it did not. */
  readonly origin: OriginLoad
}

/** Requests of the trace's that one module sent to another, by index. */
export interface MinuteCall {
  readonly caller: number
  readonly callee: number
  readonly requests: number
}

/** A closed minute. */
export interface MinuteRecord extends MinuteSeries {
  readonly minuteStartMs: number
  /** By module index of the table in force. */
  readonly modules: readonly MinuteSeries[]
  /** Which modules called which through the edge; empty when the minute is not known. */
  readonly calls: readonly MinuteCall[]
}

/**
 * The minutes that are open, to go on with after a restart: start, time watched, [index, requests, errors, latencies]
 * each, [caller, callee, requests] each, and what origins reported. The parts that may be missing were not written by
 * earlier builds.
 */
export type OpenMinutes = readonly (readonly [
  startMs: number,
  coveredMs: number,
  counts: readonly (readonly [index: number, requests: number, errors: number, latency?: string])[],
  calls?: readonly CallRow[],
  origins?: readonly OriginRow[],
])[]

interface OpenMinute {
  coveredMs: number
  readonly requests: Float64Array
  readonly errors: Float64Array
  readonly calls: MinuteCalls
  readonly origins: MinuteOrigin
}

export interface MinuteBookOptions {
  readonly core: Core
  /** Trace time from which minutes are kept: the end of the last closed one, or now. */
  readonly fromMs: number
  readonly weight: number
  readonly graceMs: number
}

/**
 * Sorts aggregates into minutes of trace time by their bucket. A minute closes `graceMs` after its end, when the last
 * flush of it is in; what is reported later is lost to it. The rate of a minute that was watched only in part (the PoP
 * was down) is scaled up from that part, or unknown when it was less than half.
 */
export class MinuteBook {
  readonly #weight: number
  readonly #graceMs: number
  readonly #latency: MinuteLatency
  readonly #open = new Map<number, OpenMinute>()
  #nextMs: number

  constructor(options: MinuteBookOptions, open: OpenMinutes = []) {
    this.#weight = options.weight
    this.#graceMs = options.graceMs
    this.#latency = new MinuteLatency(options.core, SERIES)
    this.#nextMs = floorMinute(options.fromMs)
    for (const [startMs, coveredMs, counts, calls = [], origins = []] of open) {
      const minute = this.#minute(startMs, origins)
      if (minute === null) continue
      minute.coveredMs = coveredMs
      for (const [index, requests, errors, latency = ''] of counts) {
        minute.requests[index] = requests
        minute.errors[index] = errors
        if (latency !== '') this.#latency.restore(startMs, index, latency)
      }
      for (const [caller, callee, requests] of calls) minute.calls.add(caller, callee, requests)
    }
  }

  open(): OpenMinutes {
    return [...this.#open].map(([startMs, { coveredMs, requests, errors, calls, origins }]) => {
      const latency = this.#latency.texts(startMs)
      const counts = [...requests.entries()]
        .filter(([, count]) => count > 0)
        .map(([index, count]) => [index, count, errors[index] ?? 0, latency[index] ?? ''] as const)
      return [startMs, coveredMs, counts, calls.rows(), origins.rows()] as const
    })
  }

  add(aggregate: Aggregate): void {
    const startMs = floorMinute(aggregate.bucketStartMs)
    const minute = this.#minute(startMs)
    if (minute === null) return
    for (const { module, errors5xx, latency, ...counts } of aggregate.modules) {
      minute.requests[module] = (minute.requests[module] ?? 0) + loadOf(counts)
      minute.errors[module] = (minute.errors[module] ?? 0) + errors5xx
      this.#latency.add(startMs, module, latency)
    }
    for (const { caller, callee, requests } of aggregate.calls ?? [])
      minute.calls.add(caller, callee, requests)
  }

  /** What origins reported at a moment of trace time: of modules by index, and all together. */
  addOrigins(nowMs: number, modules: ReadonlyMap<number, OriginLoad>, total: OriginLoad): void {
    const minute = this.#minute(floorMinute(nowMs))
    if (minute === null) return
    for (const [module, load] of modules) minute.origins.add(module, load)
    minute.origins.add(ALL_ORIGINS, total)
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
    if (this.#nextMs - nowMs > SET_BACK_MS) this.#beginAt(nowMs)
    const closed: MinuteRecord[] = []
    const until = floorMinute(nowMs - this.#graceMs)
    this.#nextMs = Math.max(this.#nextMs, until - most * MINUTE_MS)
    for (; this.#nextMs < until; this.#nextMs += MINUTE_MS) {
      closed.push(this.#record(this.#nextMs, this.#open.get(this.#nextMs), moduleCount))
    }
    for (const start of this.#open.keys()) {
      if (start >= this.#nextMs) continue
      this.#open.delete(start)
      this.#latency.forget(start)
    }
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
      minute.calls.remap(indexOf)
      minute.origins.remap(indexOf)
    }
    this.#latency.remap(indexOf)
  }

  #beginAt(nowMs: number): void {
    for (const start of this.#open.keys()) this.#latency.forget(start)
    this.#open.clear()
    this.#nextMs = floorMinute(nowMs)
  }

  #minute(startMs: number, origins: readonly OriginRow[] = []): OpenMinute | null {
    if (startMs < this.#nextMs) return null
    let minute = this.#open.get(startMs)
    if (minute === undefined) {
      minute = {
        coveredMs: 0,
        requests: new Float64Array(SERIES),
        errors: new Float64Array(SERIES),
        calls: new MinuteCalls(),
        origins: new MinuteOrigin(origins),
      }
      this.#open.set(startMs, minute)
    }
    return minute
  }

  #record(minuteStartMs: number, minute: OpenMinute | undefined, moduleCount: number): MinuteRecord {
    if (minute === undefined || minute.coveredMs < MINUTE_MS * MIN_COVER) {
      return {
        minuteStartMs,
        ...UNKNOWN,
        modules: Array.from({ length: moduleCount }, () => UNKNOWN),
        calls: [],
      }
    }
    const seconds = Math.min(minute.coveredMs, MINUTE_MS) / 1000
    const p95 = this.#latency.p95(minuteStartMs)
    const series = (requests: number, errors: number, p95Ms: number, origin: OriginLoad): MinuteSeries => ({
      rps: (requests * this.#weight) / seconds,
      errorRate: requests === 0 ? 0 : errors / requests,
      p95Ms,
      requests: requests * this.#weight,
      origin,
    })
    return {
      minuteStartMs,
      ...series(sum(minute.requests), sum(minute.errors), p95.total, minute.origins.mean(ALL_ORIGINS)),
      modules: Array.from({ length: moduleCount }, (_, index) =>
        series(
          minute.requests[index] ?? 0,
          minute.errors[index] ?? 0,
          p95.series[index] ?? Number.NaN,
          minute.origins.mean(index),
        ),
      ),
      calls: minute.calls
        .rows()
        .filter(([caller, callee]) => caller < moduleCount && callee < moduleCount)
        .map(([caller, callee, requests]) => ({ caller, callee, requests: requests * this.#weight })),
    }
  }
}

const UNKNOWN: MinuteSeries = {
  rps: Number.NaN,
  errorRate: Number.NaN,
  p95Ms: Number.NaN,
  requests: Number.NaN,
  origin: new MinuteOrigin().mean(ALL_ORIGINS),
}

function sum(counts: Float64Array): number {
  return counts.reduce((all, count) => all + count, 0)
}

function floorMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS
}
