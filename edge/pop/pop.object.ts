import { DurableObject } from 'cloudflare:workers'
import { messageOf } from '../../contract/errors.ts'
import { parseManifest } from '../../contract/model/manifest.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import { systemClock } from '../../contract/ports.ts'
import { isToken } from '../../contract/subjects.ts'
import forestBytes from '../../models/forest.bin'
import manifestDocument from '../../models/manifest.json'
import { type EdgeConfig, type EdgeVars, parseConfig } from '../control/config.ts'
import type { FlushAnswer, FlushReport, ForecastStub, PopStub } from '../control/stubs.ts'
import type { ForestSource } from './anomaly-watch.ts'
import { openNats } from './nats-connection.ts'
import { Pop } from './pop.ts'
import { reachBy } from './preflight.ts'
import { nextTickMs } from './tick-time.ts'

export interface PopEnv extends EdgeVars {
  readonly FORECASTER: DurableObjectNamespace
}

const NAME_KEY = 'pop'

/** The PoP as a Durable Object: its name, its alarm, and the runtime's ports. What it does is in pop.ts. */
export class PopObject extends DurableObject<PopEnv> implements PopStub {
  readonly #config: EdgeConfig
  readonly #phaseMs: number
  #pop: Pop | null = null

  constructor(ctx: DurableObjectState, env: PopEnv) {
    super(ctx, env)
    this.#config = parseConfig(env)
    this.#phaseMs = Math.floor(Math.random() * this.#config.tickMs)
    const name = ctx.storage.kv.get<string>(NAME_KEY)
    if (name === undefined) return
    this.#pop = this.#open(name)
    ctx.blockConcurrencyWhile(async () => {
      if ((await ctx.storage.getAlarm()) === null) await this.#setAlarm()
    })
  }

  async flush(report: FlushReport): Promise<FlushAnswer> {
    return this.#named(report.pop).flush(report)
  }

  async status(pop: string): Promise<PopStatus> {
    return this.#named(pop).status()
  }

  /** One tick. The next one is set before this one begins, so that nothing in it can end the loop. */
  override async alarm(): Promise<void> {
    await this.#setAlarm()
    const ticked = this.#pop?.tick()
    if (ticked !== undefined) this.ctx.waitUntil(ticked)
  }

  /** The PoP, which learns its name from its first caller and keeps it. */
  #named(name: string): Pop {
    if (this.#pop !== null) return this.#pop
    if (typeof name !== 'string' || !isToken(name)) throw new TypeError('the name of a PoP is one token')
    const pop = this.#open(name)
    this.ctx.storage.kv.put(NAME_KEY, name)
    this.#pop = pop
    this.ctx.waitUntil(this.#setAlarm())
    return pop
  }

  #setAlarm(): Promise<void> {
    return this.ctx.storage.setAlarm(nextTickMs(Date.now(), this.#config.tickMs, this.#phaseMs))
  }

  #open(name: string): Pop {
    const { nats, policyName } = this.#config
    const pop = new Pop({
      name,
      config: this.#config,
      storage: this.ctx.storage,
      clock: systemClock(this.#config.scale),
      random: { next: () => Math.random() },
      forecaster: this.#forecaster(name),
      forest: forest(),
      reach: reachBy(this.env),
      connect: nats === null ? null : () => openNats({ ...nats, pop: name, policyName }),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      uuid: () => crypto.randomUUID(),
    })
    pop.start()
    return pop
  }

  /** A stub that has seen its object fail stays broken, so each call takes a new one. */
  #forecaster(name: string): ForecastStub {
    const { FORECASTER } = this.env
    const stub = () => FORECASTER.get(FORECASTER.idFromName(name)) as unknown as ForecastStub
    return {
      forecast: (histories, lineup) => stub().forecast(histories, lineup),
      offer: (hash, bytes) => stub().offer(hash, bytes),
      offerAdaptation: (pop, entry, bytes) => stub().offerAdaptation(pop, entry, bytes),
      keeps: (ref) => stub().keeps(ref),
    }
  }
}

/** The bundled forest. A manifest that cannot be read leaves nothing to score with, and the reason. */
function forest(): ForestSource {
  try {
    return { ok: true, bytes: new Uint8Array(forestBytes), manifest: parseManifest(manifestDocument).forest }
  } catch (thrown) {
    return { ok: false, reason: messageOf(thrown) }
  }
}
