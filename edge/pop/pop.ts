import { messageOf } from '../../contract/errors.ts'
import type { Draft } from '../../contract/messages.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { decide } from '../../core-wasm/decision.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { FlushAnswer, FlushReport } from '../control/stubs.ts'
import { Alerts } from './alert/alerts.ts'
import { callsOf } from './alert/call-book.ts'
import { SeriesDesk } from './alert/series-desk.ts'
import { AnomalyWatch } from './anomaly-watch.ts'
import { linkToCentral } from './central-link.ts'
import { CrashProbe } from './crash-probe.ts'
import { Decider } from './decider.ts'
import type { Sight } from './decision-desk.ts'
import { checkReport } from './flush-check.ts'
import { ForecastDesk } from './forecast-desk.ts'
import { Isolates } from './isolates.ts'
import { LimitLedger } from './limit-ledger.ts'
import type { MinuteRecord } from './minute-book.ts'
import { MinuteHistory } from './minute-history.ts'
import { minuteMessage, reported } from './minute-message.ts'
import { ModelWatch } from './model-watch.ts'
import type { NatsLink } from './nats-link.ts'
import { Observer } from './observer.ts'
import { OriginWatch } from './origin-watch.ts'
import { Outbox } from './outbox.ts'
import { PopMemory } from './pop-memory.ts'
import type { PopPorts } from './pop-ports.ts'
import { migrate } from './schema.ts'
import { StateStore } from './state-store.ts'
import { TableKeeper } from './table-keeper.ts'
import { moduleCounts, moduleStates } from './tick-summary.ts'
import { isRepeat } from './tick-time.ts'

/** Wall time between looks for a policy whose hint was lost. */
const CHECK_MS = 10_000
/** Buckets further from now than this wall time, at the trace's speed, are not believed. */
const SPREAD_MS = 120_000
const MINUTE_MS = 60_000

interface Counters {
  ticks: number
  requests: number
  internalErrors: number
  tapDropped: number
}

/** One point of presence: hears its isolates, makes its picture of the traffic, decides, and hands out the route table. */
export class Pop {
  readonly #ports: PopPorts
  readonly #memory: PopMemory
  readonly #outbox: Outbox
  readonly #tables: TableKeeper
  readonly #observer: Observer
  readonly #history: MinuteHistory
  readonly #models: ModelWatch
  readonly #forecasts: ForecastDesk
  readonly #decider: Decider
  readonly #series: SeriesDesk
  readonly #alerts: Alerts
  readonly #probe: CrashProbe
  readonly #origins: OriginWatch
  readonly #link: NatsLink | null
  readonly #ledger = new LimitLedger()
  readonly #isolates: Isolates
  readonly #counters: Counters
  #lastWallMs: number
  #checkedAtMs = 0
  #refusedReports = 0
  #tickErrors = 0
  #tickError: string | null = null
  #second: PopStatus['second'] = null

  constructor(ports: PopPorts) {
    const { storage, config, clock } = ports
    const { sql } = storage
    const atomically = (write: () => void) => storage.transactionSync(write)
    const say = (draft: Draft) => this.#say(draft)
    migrate(storage)
    this.#ports = ports
    this.#memory = new PopMemory(new StateStore(sql))
    if (this.#memory.startTimeline(config.scale)) {
      for (const table of ['minutes', 'forecasts', 'scores', 'windows', 'streams'])
        sql.exec(`DELETE FROM ${table}`)
    }
    const epoch = this.#memory.epoch(() => ports.uuid().slice(0, 8))
    const kept = this.#memory.tick
    const core = loadCore()
    this.#outbox = new Outbox(sql, clock.wallMs())
    this.#tables = new TableKeeper(sql, config.policyName, config.defaultPolicy)
    this.#history = new MinuteHistory(sql)
    this.#models = new ModelWatch(sql, this.#memory, ports.forecaster)
    this.#forecasts = new ForecastDesk(this.#history, this.#models)
    this.#observer = new Observer({
      core,
      tables: this.#tables.recent,
      anomalies: new AnomalyWatch(core, ports.forest, kept?.observer.anomaly),
      scale: config.scale,
      tickMs: config.tickMs,
      lastNowMs: kept?.nowMs ?? clock.nowMs(),
      fromMs: Number.isFinite(this.#history.endMs) ? this.#history.endMs : (kept?.nowMs ?? clock.nowMs()),
      openMinutes: kept?.observer.minutes ?? [],
    })
    this.#decider = new Decider(
      {
        name: ports.name,
        epoch,
        tables: this.#tables,
        memory: this.#memory,
        clock,
        random: ports.random,
        reach: ports.reach,
        decide: (input) => decide(core, input),
        atomically,
        say,
        onChanged: (before, after) => this.#observer.tableChanged(before, after),
      },
      kept?.decision,
    )
    this.#series = new SeriesDesk(sql)
    this.#alerts = new Alerts(
      { sql, say, nextId: () => `${ports.name}-${epoch}-a${this.#memory.nextAlert()}` },
      kept?.alerts,
    )
    this.#probe = new CrashProbe(ports.reach)
    this.#origins = new OriginWatch(ports.reach, config.scale)
    this.#isolates = new Isolates(config.tickMs)
    this.#counters = {
      ticks: kept?.ticks ?? 0,
      requests: kept?.requests ?? 0,
      internalErrors: kept?.internalErrors ?? 0,
      tapDropped: kept?.tapDropped ?? 0,
    }
    this.#lastWallMs = kept?.wallMs ?? Number.NEGATIVE_INFINITY
    this.#link = linkToCentral(ports, {
      epoch,
      memory: this.#memory,
      tables: this.#tables,
      outbox: this.#outbox,
      atomically,
      say,
      onApplied: (before, after) => {
        this.#decider.policyApplied(before, after)
        this.#observer.tableChanged(before, after)
      },
      championMissing: () => this.#models.fault !== null,
    })
  }

  /** Connects to central, if the PoP has a link. Nothing waits for it. */
  start(): void {
    void this.#link?.run()
  }

  get table(): RouteTable {
    return this.#tables.current
  }

  /** Takes an isolate's report; answers the table in force and what other isolates charged its limits. */
  flush(report: FlushReport): FlushAnswer {
    const { clock, config, name } = this.#ports
    const wallMs = clock.wallMs()
    const checked = checkReport(report, name, clock.nowMs(), SPREAD_MS * config.scale.speed)
    if (checked === null) {
      this.#refusedReports++
      return { table: this.table, othersUse: [] }
    }
    this.#isolates.saw(checked.isolate, wallMs)
    this.#observer.hear(checked)
    this.#refusedReports += checked.refused
    this.#counters.internalErrors += checked.internalErrors
    this.#counters.tapDropped += checked.tapDropped
    return {
      table: checked.tableVersion === this.table.version ? null : this.table,
      othersUse: this.#ledger.exchange(checked.isolate, checked.limitUse, wallMs),
    }
  }

  /**
   * One tick. Never throws: an error is counted and shown. Settles when everything it set off (preflight, forecast,
   * probes) is in; the next tick does not wait for that.
   */
  async tick(): Promise<void> {
    const nowMs = this.#ports.clock.nowMs()
    const wallMs = this.#ports.clock.wallMs()
    if (isRepeat(wallMs, this.#lastWallMs, this.#ports.config.tickMs)) return
    this.#lastWallMs = wallMs
    this.#counters.ticks++
    try {
      await Promise.all(this.#tick(nowMs, wallMs))
    } catch (thrown) {
      this.#tickErrors++
      this.#tickError = messageOf(thrown)
    }
  }

  status(): PopStatus {
    const queue = this.#queue()
    return {
      pop: this.#ports.name,
      second: this.#second,
      lastDecision: this.#memory.lastDecision,
      link: {
        state: this.#link?.state ?? 'off',
        error: this.#link?.error ?? null,
        outboxRows: queue.rows,
        outboxDropped: queue.dropped,
      },
      policyError: this.#memory.policyError,
      modelError: this.#observer.anomalyError,
      models: this.#models.status,
      ticks: this.#counters.ticks,
      origins: this.#origins.states.map(({ load, ...state }) => ({ ...state, ...(load && reported(load)) })),
      isolates: this.#isolates.count(this.#ports.clock.wallMs()),
      requests: this.#counters.requests,
      internalErrors: this.#counters.internalErrors,
      tapDropped: this.#counters.tapDropped,
      refusedReports: this.#refusedReports + this.#observer.refused,
      tickErrors: this.#tickErrors,
      tickError: this.#tickError,
    }
  }

  #queue(): { rows: number; dropped: number } {
    return { rows: this.#outbox.rows, dropped: this.#outbox.dropped + (this.#link?.givenUp ?? 0) }
  }

  /** The part of a tick that must not be waited for is returned. */
  #tick(nowMs: number, wallMs: number): Promise<void>[] {
    const seen = this.#observer.tick(nowMs, wallMs)
    this.#counters.requests += seen.totals.total.requests
    const forecaster = this.#forecasts.state(nowMs)
    const { table } = this
    const { crashed, suspect } = this.#observer.crashes
    const { tickMs, scale } = this.#ports.config
    const sight: Sight = {
      nowMs,
      tickMs: tickMs * scale.speed,
      measuredRps: seen.rps,
      forecaster,
      anomalyScore: seen.anomaly.total?.score ?? null,
      crashed,
      table,
    }
    for (const minute of seen.closed) this.#closeMinute(minute, sight)
    this.#alerts.tick({
      fromMs: seen.fromMs,
      nowMs,
      view: seen.anomaly,
      modules: moduleCounts(table, seen.totals),
    })
    const set = [
      this.#decider.tick(sight),
      this.#examine(crashed | suspect, table, wallMs),
      this.#askOrigins(table, wallMs),
    ]
    if (seen.closed.length > 0) set.push(this.#forecasts.minuteClosed())
    this.#second = {
      atMs: nowMs,
      mode: table.mode,
      rps: seen.rps,
      policy: { name: table.policyName, version: table.policyVersion },
      modules: moduleStates(table, seen.totals, seen.rpsOf),
      anomaly: seen.anomaly.total,
      alert: this.#alerts.open,
      forecaster,
    }
    if (this.#link !== null) this.#say({ kind: 'second', ...this.#second, outbox: this.#queue() })
    this.#memory.tick = {
      nowMs,
      wallMs,
      ...this.#counters,
      decision: this.#decider.memory(),
      observer: this.#observer.memory(),
      alerts: this.#alerts.memory(),
    }
    if (wallMs - this.#checkedAtMs >= CHECK_MS) {
      this.#checkedAtMs = wallMs
      this.#link?.check()
    }
    return set
  }

  #closeMinute(minute: MinuteRecord, sight: Sight): void {
    const { nowMs, forecaster } = sight
    const names = sight.table.policy.modules.map((module) => module.name)
    this.#history.append(minute, names)
    if (!Number.isFinite(minute.rps)) return
    this.#models.minuteClosed(minute, sight, (seen) => this.#decider.wouldAskFor(seen))
    const expected = this.#models.expected(minute.minuteStartMs + MINUTE_MS)
    const series = this.#series.minuteClosed(minute, names, expected)
    this.#alerts.minuteClosed(series, callsOf(minute, names), nowMs)
    const models = this.#models.state(nowMs)
    this.#say(minuteMessage(minute, names, { atMs: nowMs, forecaster, models }))
  }

  /** Probes decide what requests only suspect: silence convicts, a ready target is acquitted, a suspect by any answer. */
  async #examine(modules: number, table: RouteTable, wallMs: number): Promise<void> {
    if (modules === 0) return
    const examined = await this.#probe.examine(modules, table, wallMs)
    if (this.table.version !== table.version) return
    const { crashes } = this.#observer
    for (const { module, health } of examined) {
      const isSuspect = (crashes.suspect & (1 << module)) !== 0
      if (health === 'silent') crashes.confirm(module)
      else if (health === 'ready' || isSuspect) crashes.clear(module)
    }
  }

  async #askOrigins(table: RouteTable, wallMs: number): Promise<void> {
    const reading = await this.#origins.tick(table, wallMs)
    if (reading !== null) this.#observer.originsReported(reading, this.#ports.clock.nowMs())
  }

  #say(draft: Draft): void {
    this.#outbox.add(draft)
    this.#link?.kick()
  }
}
