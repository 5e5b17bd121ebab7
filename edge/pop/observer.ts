import { UNROUTED } from '../../contract/aggregate.ts'
import type { TimeScale } from '../../contract/ports.ts'
import { Aggregator } from '../../core-wasm/aggregator.ts'
import type { Core } from '../../core-wasm/core.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { AnomalyMemory, AnomalyView, AnomalyWatch } from './anomaly-watch.ts'
import { CrashWatch } from './crash-watch.ts'
import type { CheckedReport } from './flush-check.ts'
import { FlushInbox } from './flush-inbox.ts'
import { MinuteBook, type MinuteRecord, type OpenMinutes } from './minute-book.ts'
import type { OriginReading } from './origin-watch.ts'
import { RateMeter } from './rate-meter.ts'
import type { RecentTables } from './recent-tables.ts'
import { requestCounts, summarise, type TickTotals, TOTAL_SERIES } from './tick-summary.ts'

/** Minutes that may close in one tick: what lies before is not known anyhow. */
const MOST_MINUTES = 180
/** Without a tick for longer than this, in wall time, the PoP was away: that stretch was not watched. */
const AWAY_MS = 5000

/** What the observer goes on with after a restart. */
export interface ObserverMemory {
  readonly anomaly: AnomalyMemory
  readonly minutes: OpenMinutes
}

/** What one tick saw. */
export interface Observation {
  readonly totals: TickTotals
  /** Requests a second of trace time, smoothed. */
  readonly rps: number
  readonly rpsOf: (module: number) => number
  /** Trace time of the tick before. */
  readonly fromMs: number
  readonly anomaly: AnomalyView
  /** Minutes that are over since the last tick, the oldest first. */
  readonly closed: readonly MinuteRecord[]
}

export interface ObserverOptions {
  readonly core: Core
  readonly tables: RecentTables
  readonly anomalies: AnomalyWatch
  readonly scale: TimeScale
  readonly tickMs: number
  /** Trace time of the last tick this PoP made, or of now. */
  readonly lastNowMs: number
  /** Trace time from which minutes are to be kept. */
  readonly fromMs: number
  readonly openMinutes: OpenMinutes
}

/** Turns what isolates report into what the PoP knows: rates, latencies, minutes, anomaly, crashed targets. */
export class Observer {
  readonly #tables: RecentTables
  readonly #anomalies: AnomalyWatch
  readonly #aggregator: Aggregator
  readonly #inbox = new FlushInbox()
  readonly #meter: RateMeter
  readonly #book: MinuteBook
  readonly #awayMs: number
  #lastNowMs: number
  readonly crashes: CrashWatch

  constructor(options: ObserverOptions) {
    const { tickMs, scale } = options
    this.#tables = options.tables
    this.#anomalies = options.anomalies
    this.#aggregator = new Aggregator(options.core)
    this.#meter = new RateMeter({ weight: scale.weight, tickMs, speed: scale.speed })
    this.#book = new MinuteBook(
      {
        core: options.core,
        fromMs: options.fromMs,
        weight: scale.weight,
        graceMs: 2 * tickMs * scale.speed,
      },
      options.openMinutes,
    )
    this.#awayMs = Math.max(AWAY_MS, 3 * tickMs) * scale.speed
    this.#lastNowMs = options.lastNowMs
    this.crashes = new CrashWatch(tickMs)
  }

  /** Aggregates refused since this object started. */
  get refused(): number {
    return this.#inbox.refused
  }

  get anomalyError(): string | null {
    return this.#anomalies.error
  }

  hear(report: CheckedReport): void {
    this.#inbox.add(report)
  }

  /** Takes what origins reported; a module that is gone meanwhile is left out. */
  originsReported({ modules, total }: OriginReading, nowMs: number): void {
    const named = this.#tables.current.policy.modules
    const byIndex = new Map(
      named.flatMap(({ name }, index) => {
        const load = modules.get(name)
        return load === undefined ? [] : [[index, load] as const]
      }),
    )
    this.#book.addOrigins(nowMs, byIndex, total)
  }

  tick(nowMs: number, wallMs: number): Observation {
    const fromMs = this.#lastNowMs
    const spanMs = nowMs - fromMs
    const reached = this.#inbox.merge(this.#tables, this.#aggregator, (good) => this.#book.add(good))
    if (spanMs > 0 && spanMs <= this.#awayMs) this.#book.cover(this.#lastNowMs, nowMs)
    this.#lastNowMs = nowMs
    const totals = this.#aggregator.take()
    this.#meter.push(spanMs, requestCounts(totals))
    const { modules: named } = this.#tables.current.policy
    const modules = named.length
    for (let module = 0; module < modules; module++) {
      const { requests = 0, unreachable = 0 } = reached.get(module) ?? {}
      this.crashes.push(module, wallMs, requests, unreachable)
    }
    const rps = this.#meter.rps(TOTAL_SERIES)
    return {
      totals,
      rps,
      rpsOf: (module) => this.#meter.rps(module),
      fromMs,
      anomaly: this.#anomalies.push(
        summarise(totals.total, nowMs, rps),
        named.map(({ name }, index) => ({
          name,
          tick: summarise(
            totals.modules.find(({ module }) => module === index),
            nowMs,
            this.#meter.rps(index),
          ),
        })),
      ),
      closed: this.#book.close(nowMs, modules, MOST_MINUTES),
    }
  }

  /** Another table is in force: counts follow their modules by name, and a module's new target begins without blame. */
  tableChanged(before: RouteTable, after: RouteTable): void {
    if (before.policy === after.policy) {
      for (let module = 0; module < after.policy.modules.length; module++) {
        if (!this.#tables.isSameTarget(before.version, module)) this.crashes.clear(module)
      }
      return
    }
    this.crashes.reset()
    if (this.#tables.hasSameModules(before.version)) return
    const indexOf = (index: number) =>
      index >= UNROUTED ? index : this.#tables.indexNow(before.version, index)
    this.#meter.remap(indexOf)
    this.#book.remap(indexOf)
  }

  memory(): ObserverMemory {
    return { anomaly: this.#anomalies.memory(), minutes: this.#book.open() }
  }
}
