import type { PopStatus } from '../../contract/pop-status.ts'
import type { Plan } from './plan.ts'

/** How one request ended. `shed`: ATLAS answered for itself; `error`: 5xx, or no answer at all. */
export type Ending = 'ok' | 'refused' | 'shed' | 'error'

/** What the client saw in one trace minute. */
export interface MinuteRecord {
  readonly minute: number
  /** Requests a second the plan asked for (its mean over the minute). */
  readonly planned: number
  /** Requests a second that were sent, in the trace's measure. */
  readonly actual: number
  readonly sent: number
  readonly ok: number
  readonly refused: number
  readonly shed: number
  readonly errors: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** One look at the PoP's live state. */
export interface Sample {
  /** Trace minutes since the start. */
  readonly minute: number
  readonly mode: string
  readonly loose: readonly string[]
  readonly rps: number
  readonly anomaly: number | null
  readonly forecaster: string
}

/** A forecast for +5 min, once each. */
export interface ForecastRecord {
  /** Trace minute at which it was made. */
  readonly madeAt: number
  readonly p10: number
  readonly p50: number
  readonly p90: number
}

/** A kill -9, and what came of it, on the wall's clock. */
export interface CrashRecord {
  readonly minute: number
  readonly module: string
  /** The process that was killed. */
  readonly part: string
  /** Requests to the module that failed after it. */
  readonly failed: number
  /** From the kill to the first good answer after the last failure; null when none came. 0 when nothing failed. */
  readonly recoveredMs: number | null
}

/** A change of mode as the PoP reported it. */
export interface ModeChange {
  readonly minute: number
  readonly from: string
  readonly to: string
  readonly rule: string
  readonly measuredRps: number
  readonly predictedRps: number | null
}

/** Everything a replay observed. */
export interface ReplayRecord {
  readonly plan: Plan
  readonly speed: number
  /** Trace requests per real request and second: how many times fewer are sent. */
  readonly divisor: number
  readonly seed: number
  readonly minutes: readonly MinuteRecord[]
  readonly samples: readonly Sample[]
  readonly forecasts: readonly ForecastRecord[]
  readonly changes: readonly ModeChange[]
  readonly crashes: readonly CrashRecord[]
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  /** Requests the client could not send in time because too many were open. */
  readonly notSent: number
  readonly internalErrors: number
  /** Trace minute at which the replay was ended by hand; absent when it ran to its end. */
  readonly endedAt?: number
}

/** Collects what client and PoP say while the replay runs. */
export class Recorder {
  readonly #plan: Plan
  readonly #weight: number
  readonly #cells: { sent: number; ok: number; refused: number; shed: number; errors: number; ms: number[] }[]
  readonly #samples: Sample[] = []
  readonly #forecasts = new Map<number, ForecastRecord>()
  readonly #changes = new Map<string, ModeChange>()

  /** @param weight requests of a trace minute that one sent request stands for */
  constructor(plan: Plan, weight: number) {
    this.#plan = plan
    this.#weight = weight
    this.#cells = Array.from({ length: Math.ceil(plan.minutes) }, () => ({
      sent: 0,
      ok: 0,
      refused: 0,
      shed: 0,
      errors: 0,
      ms: [],
    }))
  }

  sent(minute: number): void {
    const cell = this.#cells[Math.floor(minute)]
    if (cell) cell.sent += 1
  }

  /** @param minute when the request was due; @param ms from then to the end of its answer */
  ended(minute: number, ending: Ending, ms: number): void {
    const cell = this.#cells[Math.floor(minute)]
    if (!cell) return
    cell[ending === 'error' ? 'errors' : ending] += 1
    cell.ms.push(ms)
  }

  looked(status: PopStatus): void {
    const { second, lastDecision } = status
    if (second === null) return
    const minuteOf = (atMs: number) => (atMs - this.#plan.startMs) / 60_000
    const minute = minuteOf(second.atMs)
    if (this.#samples.at(-1)?.minute !== minute) {
      this.#samples.push({
        minute,
        mode: second.mode,
        loose: second.modules.filter(({ loose }) => loose).map(({ name }) => name),
        rps: second.rps,
        anomaly: second.anomaly?.score ?? null,
        forecaster: second.forecaster.kind === 'reactive' ? second.forecaster.reason : second.forecaster.kind,
      })
    }
    if (second.forecaster.kind === 'ready') {
      const { madeAtMs, in5 } = second.forecaster.forecast
      this.#forecasts.set(madeAtMs, { madeAt: minuteOf(madeAtMs), ...in5 })
    }
    if (lastDecision?.outcome === 'applied') {
      this.#changes.set(lastDecision.id, {
        minute: minuteOf(lastDecision.atMs),
        from: lastDecision.from,
        to: lastDecision.to,
        rule: lastDecision.rule,
        measuredRps: lastDecision.measuredRps,
        predictedRps: lastDecision.predictedRps,
      })
    }
  }

  /** All that was seen; the crashes and the client's own figures are the caller's. */
  record(
    rest: Pick<
      ReplayRecord,
      'speed' | 'divisor' | 'seed' | 'crashes' | 'notSent' | 'internalErrors' | 'endedAt'
    >,
  ): ReplayRecord {
    const all = this.#cells.flatMap(({ ms }) => ms).sort((a, b) => a - b)
    return {
      plan: this.#plan,
      ...rest,
      minutes: this.#cells
        .slice(0, Math.ceil(rest.endedAt ?? this.#cells.length))
        .map(({ ms, ...counts }, minute) => {
          const sorted = ms.sort((a, b) => a - b)
          return {
            minute,
            planned: this.#plan.rps(minute + 0.5),
            actual: (counts.sent * this.#weight) / 60,
            ...counts,
            p50Ms: quantile(sorted, 0.5),
            p99Ms: quantile(sorted, 0.99),
          }
        }),
      samples: this.#samples,
      forecasts: [...this.#forecasts.values()].sort((a, b) => a.madeAt - b.madeAt),
      changes: [...this.#changes.values()].sort((a, b) => a.minute - b.minute),
      latency: {
        p50Ms: quantile(all, 0.5) ?? 0,
        p99Ms: quantile(all, 0.99) ?? 0,
        maxMs: all.at(-1) ?? 0,
      },
    }
  }
}

/** Nearest-rank quantile of sorted values; null when there are none. */
export function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null
}
