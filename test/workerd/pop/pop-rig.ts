import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { Aggregate } from '../../../contract/aggregate.ts'
import { type Message, parseMessage } from '../../../contract/messages.ts'
import type { SeriesHistory } from '../../../contract/model/series.ts'
import { parsePolicy } from '../../../contract/policy.ts'
import { seededRandom } from '../../../contract/ports.ts'
import type { TrustedKeys } from '../../../contract/signed-policy.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { FLAG_SHED, FLAG_UNREACHABLE, TapRing } from '../../../core-wasm/tap-ring.ts'
import { parseConfig } from '../../../edge/control/config.ts'
import type { FlushReport, ForecastAnswer, ForecastStub } from '../../../edge/control/stubs.ts'
import type { ForestSource } from '../../../edge/pop/anomaly-watch.ts'
import { envelope } from '../../../edge/pop/envelope.ts'
import type { Connection } from '../../../edge/pop/nats-connection.ts'
import type { PopObject } from '../../../edge/pop/pop.object.ts'
import { Pop } from '../../../edge/pop/pop.ts'

/** A whole minute of trace time to begin at. */
export const START_MS = 1_800_000_000_000

export const MONOLITH = 'http://monolith.test'

/** Two modules that can go loose, and one that cannot. */
export const POLICY = parsePolicy({
  apiVersion: 'atlas/v1',
  origin: MONOLITH,
  modules: [
    service('cart', '/cart/*'),
    service('payment', '/pay/*'),
    { name: 'static', routes: ['/static/*'] },
  ],
  coupling: { hybrid: ['cart'], minDwellS: 0, leaveAfterS: 10 },
})

function service(name: string, route: string): object {
  return {
    name,
    routes: [route],
    loose: `http://${name}.test`,
    contract: { timeoutMs: 1000, state: 'shared' },
  }
}

export interface Rig {
  pop: Pop
  readonly clock: { wall: number }
  /** Targets that cannot be reached at all. */
  readonly silent: Set<string>
  /** Targets that do not answer their health path with 2xx. */
  readonly down: Set<string>
  /** Bodies that targets answer with. */
  readonly bodies: Map<string, string>
  readonly probed: string[]
  readonly asked: (readonly SeriesHistory[])[]
  answer: () => Promise<ForecastAnswer>
  /** Makes a Pop anew over the same storage, as after a kill. */
  restart(change?: RigOptions): Pop
  /** Moves the wall clock a tick on and ticks. */
  tick(times?: number): Promise<void>
  /** Requests of one module in the current bucket, reported by an isolate; further ones that a limit refused, or that were too late. */
  traffic(
    module: number,
    requests: number,
    part?: { unreachable?: number; limited?: number; late?: number } & Partial<FlushReport>,
  ): void
  report(part?: Partial<FlushReport>): FlushReport
  outbox(): Message[]
}

export interface RigOptions {
  readonly policy?: object
  readonly tickMs?: number
  readonly speed?: number
  readonly weight?: number
  readonly keys?: TrustedKeys
  readonly forest?: ForestSource
  readonly connect?: (() => Promise<Connection>) | null
  readonly models?: Pick<ForecastStub, 'offer' | 'keeps'>
}

const namespace = (env as unknown as { POP: DurableObjectNamespace<PopObject> }).POP

/** Runs `use` with a Pop over the storage of an object of its own, on a clock that only moves when it is told to. */
export function withPop(
  name: string,
  options: RigOptions,
  use: (rig: Rig, state: DurableObjectState) => Promise<void>,
): Promise<void> {
  const stub = namespace.get(namespace.idFromName(`rig-${name}`))
  return runInDurableObject(stub, async (_, state) => {
    const core = loadCore()
    const ring = new TapRing(core)
    const make = (change: RigOptions) => makePop(name, { ...options, ...change }, state, rig)
    const rig: Rig = {
      pop: undefined as unknown as Pop,
      clock: { wall: START_MS },
      silent: new Set(),
      down: new Set(),
      bodies: new Map(),
      probed: [],
      asked: [],
      answer: async () => ({ ok: false, reason: 'no model in this test' }),
      restart: (change = {}) => {
        rig.pop = make(change)
        return rig.pop
      },
      async tick(times = 1) {
        for (let done = 0; done < times; done++) {
          rig.clock.wall += options.tickMs ?? 1000
          await rig.pop.tick()
        }
      },
      traffic(module, requests, { unreachable = 0, limited = 0, late = 0, ...part } = {}) {
        const bucketMs = nowOf(options, rig.clock.wall)
        for (let index = 0; index < requests; index++) {
          const failed = index < unreachable
          ring.write(bucketMs, module, failed ? 502 : 200, 10, 100, failed ? FLAG_UNREACHABLE : 0)
        }
        for (let index = 0; index < limited; index++) ring.write(bucketMs, module, 429, 0, 100, FLAG_SHED)
        for (let index = 0; index < late; index++) ring.write(bucketMs, module, 504, 900, 100, FLAG_SHED)
        rig.pop.flush(rig.report({ ...part, aggregates: ring.drain() }))
      },
      report: (part = {}) => ({
        pop: name,
        isolate: 'i1',
        tableVersion: rig.pop.table.version,
        aggregates: [] as Aggregate[],
        limitUse: [],
        internalErrors: 0,
        tapDropped: 0,
        ...part,
      }),
      outbox: () =>
        state.storage.sql
          .exec<{ seq: number; body: string }>('SELECT seq, body FROM outbox ORDER BY seq')
          .toArray()
          .map((row) => parseMessage(envelope(name, { seq: row.seq, draft: JSON.parse(row.body) }).body)),
    }
    rig.pop = make({})
    await use(rig, state)
  })
}

function nowOf(options: RigOptions, wallMs: number): number {
  return START_MS + (wallMs - START_MS) * (options.speed ?? 1)
}

function makePop(name: string, options: RigOptions, state: DurableObjectState, rig: Rig): Pop {
  const { speed = 1, weight = 1, tickMs = 1000 } = options
  const config = parseConfig({
    ATLAS_POP: name,
    ATLAS_DEFAULT_POLICY: JSON.stringify(options.policy ?? POLICY),
    ATLAS_TICK_MS: String(tickMs),
    ATLAS_TIME_SCALE: JSON.stringify({ wallStartMs: START_MS, startMs: START_MS, speed, weight }),
    ATLAS_POLICY_KEYS: JSON.stringify(options.keys ?? {}),
  })
  return new Pop({
    name,
    config,
    storage: state.storage,
    clock: { wallMs: () => rig.clock.wall, nowMs: () => nowOf(options, rig.clock.wall) },
    random: seededRandom(7),
    forecaster: {
      forecast: (histories) => {
        rig.asked.push(histories)
        return rig.answer()
      },
      offer: async () => ({ ok: false, code: 'model/unreadable', reason: 'no model in this test' }),
      offerAdaptation: async () => ({ ok: false, code: 'model/unreadable', reason: 'none in this test' }),
      keeps: async (ref) => ref === 'bundled',
      ...options.models,
    },
    forest: options.forest ?? { ok: false, reason: 'no forest in this test' },
    reach: async (target, path) => {
      rig.probed.push(target + path)
      if (rig.silent.has(target)) throw new Error('connection refused')
      return new Response(rig.bodies.get(target), { status: rig.down.has(target) ? 503 : 200 })
    },
    connect: options.connect ?? null,
    wait: (ms) => (ms < 100 ? Promise.resolve() : new Promise(() => undefined)),
    uuid: () => '01234567-89ab-cdef-0123-456789abcdef',
  })
}
