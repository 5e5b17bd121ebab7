import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { seededRandom } from '../../contract/ports.ts'
import { Arrivals } from './arrivals.ts'
import type { Plan } from './plan.ts'
import { peakRps } from './plan.ts'
import type { Ending, Recorder } from './record.ts'
import { Shopper, type ShopRequest } from './shopper.ts'

const PUMP_MS = 4
const MAX_OPEN = 2000
const TIMEOUT_MS = 10_000

/** One answer of a module, on the wall's clock: for telling how long a crash was felt. */
export interface Outcome {
  readonly atMs: number
  readonly module: ShopRequest['module']
  readonly good: boolean
}

/**
 * Open-loop load along a plan: requests are sent when they are due, whether or not earlier ones were answered, and their
 * latency counts from when they were due (no coordinated omission).
 */
export class Load {
  readonly outcomes: Outcome[] = []
  readonly #plan: Plan
  readonly #speed: number
  readonly #wallStartMs: number
  readonly #recorder: Recorder
  readonly #arrivals: Arrivals
  readonly #shopper: Shopper
  readonly #pool: Pool
  #open = 0
  #notSent = 0

  constructor(options: {
    plan: Plan
    edge: string
    wallStartMs: number
    speed: number
    divisor: number
    seed: number
    recorder: Recorder
  }) {
    const { plan, speed, divisor, seed } = options
    this.#plan = plan
    this.#speed = speed
    this.#wallStartMs = options.wallStartMs
    this.#recorder = options.recorder
    const rate = (atMs: number) => plan.rps((atMs * speed) / 60_000) / divisor
    this.#arrivals = new Arrivals(rate, peakRps(plan) / divisor, seededRandom(seed))
    this.#shopper = new Shopper(seededRandom(seed + 1))
    this.#pool = new Pool(options.edge, {
      connections: 256,
      pipelining: 1,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    })
  }

  /** Requests that were due while too many were open. */
  get notSent(): number {
    return this.#notSent
  }

  /** Sends until the plan or the signal ends, then waits for what is open. */
  async run(signal: AbortSignal): Promise<void> {
    const endMs = (this.#plan.minutes * 60_000) / this.#speed
    for (let atMs = 0; atMs < endMs && !signal.aborted; await delay(PUMP_MS)) {
      atMs = Date.now() - this.#wallStartMs
      for (const dueMs of this.#arrivals.upTo(Math.min(atMs, endMs))) void this.#send(dueMs)
    }
    for (const deadline = Date.now() + 2000; this.#open > 0 && Date.now() < deadline; ) await delay(20)
    await this.#pool.destroy()
  }

  async #send(dueMs: number): Promise<void> {
    if (this.#open >= MAX_OPEN) {
      this.#notSent += 1
      return
    }
    const request = this.#shopper.next()
    const minute = (dueMs * this.#speed) / 60_000
    this.#recorder.sent(minute)
    this.#open += 1
    const ending = await this.#exchange(request)
    this.#open -= 1
    const nowMs = Date.now()
    this.#recorder.ended(minute, ending, nowMs - this.#wallStartMs - dueMs)
    this.outcomes.push({ atMs: nowMs, module: request.module, good: ending === 'ok' || ending === 'refused' })
  }

  async #exchange({ method, path, body, made }: ShopRequest): Promise<Ending> {
    try {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const response = await this.#pool.request({
        method,
        path,
        headers,
        ...(body === undefined ? {} : { body }),
      })
      const text = await response.body.text()
      const status = response.statusCode
      if (status < 300) made?.(JSON.parse(text))
      if (status < 400) return 'ok'
      if (status === 429 || ((status === 503 || status === 504) && isOurs(response.headers['content-type'])))
        return 'shed'
      return status < 500 ? 'refused' : 'error'
    } catch {
      return 'error'
    }
  }
}

/** ATLAS tells its own refusals as problem details (RFC 9457); the shop does not. */
function isOurs(type: string | string[] | undefined): boolean {
  return String(type).startsWith('application/problem+json')
}
