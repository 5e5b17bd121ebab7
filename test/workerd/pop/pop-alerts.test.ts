import { describe, expect, it } from 'vitest'
import type { AlertMessage } from '../../../contract/messages.ts'
import { parseManifest } from '../../../contract/model/manifest.ts'
import { parsePolicy } from '../../../contract/policy.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { FLAG_UNREACHABLE, TapRing } from '../../../core-wasm/tap-ring.ts'
import type { ForestSource } from '../../../edge/pop/anomaly-watch.ts'
import forestBytes from '../../../models/forest.bin'
import manifestDocument from '../../../models/manifest.json'
import { type Rig, START_MS, withPop } from './pop-rig.ts'

const SEED = 11
const [CART, PAYMENT] = [0, 1]
const forest: ForestSource = {
  ok: true,
  bytes: new Uint8Array(forestBytes),
  manifest: parseManifest(manifestDocument).forest,
}

interface Fault {
  readonly module: number
  readonly failing?: number
  readonly slower?: number
}

/** Ticks of ordinary traffic, each request with a latency of a log-normal law; a fault changes one module's. */
function traffic(rig: Rig, random: { next(): number }, speed = 1) {
  const ring = new TapRing(loadCore())
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  const write = (module: number, requests: number, ms: number, fault: Fault | null, caller?: number) => {
    for (let index = 0; index < requests; index++) {
      const own = fault?.module === module
      const isFailed = own && random.next() < (fault.failing ?? 0)
      const latency = ms * Math.exp(0.4 * normal()) * (own ? (fault.slower ?? 1) : 1)
      ring.write(
        START_MS + speed * (rig.clock.wall - START_MS),
        module,
        isFailed ? 502 : 200,
        latency,
        100,
        isFailed ? FLAG_UNREACHABLE : 0,
        caller,
      )
    }
  }
  return async (ticks: number, fault: Fault | null = null) => {
    for (let tick = 0; tick < ticks; tick++) {
      const wave = Math.round(4 * normal())
      write(CART, 40 + wave, 20 * (fault?.module === PAYMENT ? (fault.slower ?? 1) : 1), null)
      write(CART, 0, 20, fault)
      write(PAYMENT, Math.max(1, 20 + Math.round(2 * normal())), 60, fault)
      rig.pop.flush(rig.report({ aggregates: ring.drain() }))
      await rig.tick()
    }
  }
}

function alerts(rig: Rig): AlertMessage[] {
  return rig.outbox().filter((message): message is AlertMessage => message.kind === 'alert')
}

describe(`alerts of a PoP (seed ${SEED})`, () => {
  it('are none in twenty minutes of ordinary traffic', async () => {
    await withPop('calm', { forest }, async (rig) => {
      await traffic(rig, seededRandom(SEED))(1200)
      expect(alerts(rig)).toEqual([])
      expect(rig.pop.status().second?.alert).toBeNull()
    })
  })

  it('name the module that fails, once when it begins and once when it is over', async () => {
    await withPop('failing', { forest }, async (rig) => {
      const run = traffic(rig, seededRandom(SEED))
      await run(300)
      const beganMs = rig.clock.wall
      await run(90, { module: PAYMENT, failing: 0.4 })
      const open = rig.pop.status().second?.alert
      expect(open?.suspect).toMatchObject({ module: 'payment', metric: 'availability' })
      await run(240)
      const told = alerts(rig)
      expect(told.map(({ event }) => event).filter((event) => event !== 'escalated')).toEqual([
        'opened',
        'closed',
      ])
      expect(new Set(told.map(({ id }) => id))).toEqual(new Set([open?.id]))
      for (const { suspects } of told) expect(suspects?.[0]?.module).toBe('payment')
      expect(told[0]?.suspects?.[0]?.path).toEqual(['the edge', 'payment'])
      expect((told[0]?.atMs ?? 0) - beganMs).toBeLessThanOrEqual(40_000)
      expect(told[0]?.sinceMs).toBeGreaterThan(beganMs)
      expect(told.at(-1)?.endMs).toBeGreaterThan(told[0]?.atMs ?? Number.NaN)
    })
  })

  it('name the module that is slow', async () => {
    await withPop('slow', { forest }, async (rig) => {
      const run = traffic(rig, seededRandom(SEED))
      await run(300)
      await run(60, { module: PAYMENT, slower: 4 })
      expect(rig.pop.status().second?.alert?.suspect).toMatchObject({ module: 'payment', metric: 'latency' })
    })
  })

  it('go on as the same alert after a restart in the middle of it', async () => {
    await withPop('restarted', { forest }, async (rig) => {
      const run = traffic(rig, seededRandom(SEED))
      await run(300)
      await run(50, { module: PAYMENT, failing: 0.4 })
      const before = rig.pop.status().second?.alert
      rig.restart()
      await run(10, { module: PAYMENT, failing: 0.4 })
      expect(rig.pop.status().second?.alert).toMatchObject({ id: before?.id, suspect: { module: 'payment' } })
      expect(alerts(rig).filter(({ event }) => event === 'opened').length).toBe(1)
    })
  })

  it.each([200, 1000])(
    'name the module that fails in a trace sixty times as fast, with ticks of %i ms',
    async (tickMs) => {
      await withPop(`fast-${tickMs}`, { forest, speed: 60, weight: 60, tickMs }, async (rig) => {
        const run = traffic(rig, seededRandom(SEED), 60)
        await run(400)
        expect(alerts(rig)).toEqual([])
        await run(20, { module: PAYMENT, failing: 0.4 })
        expect(alerts(rig)[0]).toMatchObject({ event: 'opened', suspects: [{ module: 'payment' }] })
        await run(80)
        expect(
          alerts(rig)
            .map(({ event }) => event)
            .filter((event) => event !== 'escalated'),
        ).toEqual(['opened', 'closed'])
      })
    },
  )

  it('name a module by a name that every object has, also after a restart', async () => {
    const policy = parsePolicy({
      apiVersion: 'atlas/v1',
      origin: 'http://monolith.test',
      modules: ['constructor', '__proto__'].map((name) => ({ name, routes: [`/${name}/*`] })),
    })
    await withPop('names', { forest, policy }, async (rig) => {
      const run = traffic(rig, seededRandom(SEED))
      await run(300)
      rig.restart()
      await run(60, { module: PAYMENT, failing: 0.4 })
      expect(rig.pop.status()).toMatchObject({
        tickErrors: 0,
        second: { alert: { suspect: { module: '__proto__' } } },
      })
    })
  })

  it('say that it is the traffic, when no module is at fault', async () => {
    await withPop('crowd', { forest }, async (rig) => {
      const random = seededRandom(SEED)
      const run = traffic(rig, random)
      await run(300)
      for (let tick = 0; tick < 60; tick++) {
        rig.traffic(CART, 400)
        await run(1)
      }
      const [opened] = alerts(rig)
      expect(opened).toMatchObject({ event: 'opened', suspects: null })
      expect(opened?.undiagnosed).toContain('traffic')
    })
  })
})
