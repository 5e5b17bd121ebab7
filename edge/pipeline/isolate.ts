import { messageOf } from '../../contract/errors.ts'
import { STATUS_PATH } from '../../contract/pop-status.ts'
import { type Metrics, type Random, randomName, traceMs } from '../../contract/ports.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { TapRing } from '../../core-wasm/tap-ring.ts'
import type { EdgeConfig } from '../control/config.ts'
import { LimitBook } from '../control/limit-book.ts'
import { isHost, requestPath } from '../control/request-path.ts'
import type { RouteTable } from '../control/route-table.ts'
import { Exchange, type Handler, type Self } from '../middleware/exchange.ts'
import { compose } from './compose.ts'
import { DeadlineKeeper } from './deadline-keeper.ts'
import { Flusher } from './flusher.ts'
import { IncidentLog } from './incident-log.ts'
import { applyUse, keyedHash, returnUse, takeUse } from './limit-report.ts'
import { popStub } from './pop-link.ts'
import { bundledTable, type ServedTable, serveTable } from './served-table.ts'
import { badHost, status } from './status.ts'
import { stepsOf } from './steps.ts'

export interface IsolatePorts {
  readonly random: Random
  readonly wallMs: () => number
  readonly sleep: (ms: number) => Promise<unknown>
  readonly metrics: Metrics
}

type Env = Readonly<Record<string, unknown>>

/** As much of an execution context as ATLAS needs. */
export interface Background {
  waitUntil(task: Promise<unknown>): void
}

/**
 * All that an isolate remembers between requests: the route table in force, the tap, the limits, the link to its PoP
 * object. The table and the chain made for it are replaced together, by reference; a request keeps those it began with.
 */
export class Isolate {
  readonly #config: EdgeConfig
  readonly #ports: IsolatePorts
  readonly #reports: boolean
  readonly #ring = new TapRing(loadCore())
  readonly #book = new LimitBook()
  readonly #flusher: Flusher
  readonly #keeper: DeadlineKeeper
  readonly #incidents = new IncidentLog((line) => console.warn(line))
  #served: ServedTable
  #chain: Handler
  #watching = false
  #faults = 0
  #told = 0

  /**
   * @param reports whether a PoP object is bound that takes the telemetry
   * @throws AtlasError `policy/invalid`
   */
  constructor(config: EdgeConfig, ports: IsolatePorts, reports: boolean) {
    this.#reports = reports
    this.#config = config
    this.#ports = ports
    this.#served = serveTable(bundledTable(config.policyName, config.defaultPolicy))
    this.#flusher = this.#makeFlusher()
    this.#keeper = new DeadlineKeeper(ports)
    this.#chain = this.#chainOf(this.#served)
  }

  /** Serves one request; `self` is the handler that ATLAS wraps, where it wraps one. Never rejects. */
  async handle(request: Request, env: Env, background: Background, self: Self | null): Promise<Response> {
    const served = this.#served
    const chain = this.#chain
    if (!isHost(request.headers.get('host'))) return badHost()
    const at = requestPath(request.url)
    const { adminToken } = this.#config
    if (adminToken !== null && at.path === STATUS_PATH) {
      const pop = this.#popOf(request)
      return status(request, adminToken, pop, () => popStub(env, pop))
    }
    const startMs = this.#ports.wallMs()
    this.#attend(request, env, background, startMs)
    const module = served.moduleOf(request.method, at.path)
    const exchange = new Exchange(request, at, env, self, served.table, module, served.origin, startMs)
    const response = await chain(exchange)
    this.#attend(request, env, background, this.#ports.wallMs())
    return response
  }

  /** Sees to it that what a request began or left behind is attended to after it, without its waiting. */
  #attend(request: Request, env: Env, background: Background, nowMs: number): void {
    try {
      if (this.#watching && this.#keeper.due(nowMs)) background.waitUntil(this.#keeper.start(nowMs))
      if (env.POP === undefined || !this.#flusher.due(nowMs)) return
      const pop = this.#popOf(request)
      const stub = popStub(env, pop)
      if (stub !== null) background.waitUntil(this.#flusher.start(stub, pop, nowMs))
    } catch (thrown) {
      this.#fault('background', thrown)
    }
  }

  #popOf(request: Request): string {
    return this.#config.pop ?? String(request.cf?.colo ?? 'local')
  }

  #makeFlusher(): Flusher {
    const { wallMs, sleep, random, metrics } = this.#ports
    const config = this.#config
    const book = this.#book
    const hash = keyedHash(config.nats?.seed ?? config.adminToken)
    return new Flusher({
      isolate: randomName(random),
      tickMs: config.tickMs,
      wallMs,
      sleep,
      busy: () => this.#ring.pending > 0,
      drain: () => {
        const dropped = this.#ring.dropped
        this.#ring.dropped = 0
        return { aggregates: this.#ring.drain(), dropped }
      },
      takeUse: () => takeUse(book, hash),
      returnUse: (uses) => returnUse(book, uses),
      applyUse: (uses) => applyUse(book, this.#served.rates, uses, wallMs()),
      tableVersion: () => this.#served.table.version,
      adopt: (table) => this.#adopt(table),
      takeFaults: () => {
        const fresh = this.#faults - this.#told
        this.#told = this.#faults
        return fresh
      },
      onFailure: (thrown) => {
        metrics.count('atlas_flush_failed_total')
        console.warn(`atlas: flush failed, the last route table stays: ${messageOf(thrown)}`)
      },
    })
  }

  #adopt(table: RouteTable): void {
    const served = serveTable(table)
    this.#chain = this.#chainOf(served)
    this.#served = served
    this.#book.keepOnly(new Set(served.rates.keys()))
  }

  #chainOf(served: ServedTable): Handler {
    const { scale, tickMs } = this.#config
    this.#watching = served.table.policy.deadline.mode !== 'off'
    const bucketMs = Math.max(1000, tickMs * scale.speed)
    const { steps, origin } = stepsOf(served, {
      ...this.#ports,
      book: this.#book,
      sink: this.#reports ? this.#ring : null,
      keeper: this.#keeper,
      incidents: this.#incidents,
      bucketOf: (wallMs) => Math.floor(traceMs(wallMs, scale) / bucketMs) * bucketMs,
      confirmedMs: () => this.#flusher.confirmedMs,
    })
    return compose(steps, origin, (step, thrown) => this.#fault(step, thrown))
  }

  #fault(step: string, thrown: unknown): void {
    this.#faults++
    this.#ports.metrics.count('atlas_internal_errors_total', 1, { step })
    if (this.#faults <= 10)
      console.error(`atlas: step ${step} failed, the request passes: ${messageOf(thrown)}`)
  }
}
