import { describe, expect, it } from 'vitest'
import type { DecisionMessage } from '../../../contract/messages.ts'
import { MONOLITH, POLICY, type Rig, withPop } from './pop-rig.ts'

const CART = 0
const PAYMENT = 1

const decisions = (rig: Rig) =>
  rig.outbox().filter((message): message is DecisionMessage => message.kind === 'decision')

/** Ticks with so many requests of the cart in each. */
async function load(rig: Rig, rps: number, ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) {
    rig.traffic(CART, rps)
    await rig.tick()
  }
}

describe('decisions of a PoP', () => {
  it('breaks the hybrid modules out when the load rises, after asking their new targets for their health', async () => {
    await withPop('surge', {}, async (rig) => {
      await load(rig, 2000, 2)
      expect(rig.pop.table).toMatchObject({ mode: 'HYBRID', vector: 1, version: 2 })
      expect(rig.probed).toEqual(['http://cart.test/healthz'])
      const [decision, ...more] = decisions(rig)
      expect(more).toEqual([])
      expect(decision).toMatchObject({
        rule: 'surge-hybrid',
        outcome: 'applied',
        from: 'TIGHT',
        to: 'HYBRID',
        loose: ['cart'],
        predictedRps: null,
        policyVersion: 0,
      })
      expect(decision?.thresholds.hybridEnterRps).toBe(1000)
      expect(decision?.measuredRps).toBeGreaterThan(1000)
      expect(rig.pop.status().lastDecision).toMatchObject({ rule: 'surge-hybrid', id: 'surge-01234567-1' })
    })
  })

  it('takes for no load what a limit refused, and for load what was answered too late', async () => {
    await withPop('flooded', {}, async (rig) => {
      for (let tick = 0; tick < 70; tick++) {
        rig.traffic(CART, 10, { limited: 2000 })
        await rig.tick()
      }
      expect(rig.pop.table.mode).toBe('TIGHT')
      expect(decisions(rig)).toEqual([])
      const { second } = rig.pop.status()
      expect(second?.rps).toBe(10)
      expect(second?.modules[CART]).toMatchObject({ rps: 10, requests: 2010, shed: 2000 })
      const [minute] = rig.outbox().filter((message) => message.kind === 'minute')
      expect(minute?.rps).toBeCloseTo(10, 0)
      rig.traffic(CART, 10, { late: 5000 })
      await rig.tick()
      rig.traffic(CART, 10, { late: 5000 })
      await rig.tick()
      expect(rig.pop.table.mode).toBe('HYBRID')
    })
  })

  it('weighs each request as a replay says, and follows trace time', async () => {
    await withPop('weighted', { speed: 60, weight: 600, tickMs: 200 }, async (rig) => {
      for (let tick = 0; tick < 5; tick++) {
        rig.traffic(CART, 40)
        await rig.tick()
      }
      expect(rig.pop.status().second?.rps).toBeCloseTo((40 * 600) / 12, 6)
      expect(rig.pop.table.mode).toBe('HYBRID')
    })
  })

  it('changes nothing when a target is not ready, says which one, and tries again later', async () => {
    await withPop('refused', {}, async (rig) => {
      rig.down.add('http://cart.test')
      await load(rig, 2000, 2)
      expect(rig.pop.table).toMatchObject({ mode: 'TIGHT', version: 1 })
      expect(decisions(rig)).toMatchObject([{ outcome: 'refused', rule: 'surge-hybrid' }])
      expect(decisions(rig)[0]?.detail).toContain('cart at http://cart.test/healthz answered 503')
      const probes = rig.probed.length
      await load(rig, 2000, 8)
      expect(rig.probed.length).toBeGreaterThan(probes)
      expect(rig.probed.length).toBeLessThan(8)
      expect(decisions(rig)).toHaveLength(1)
      rig.down.clear()
      await load(rig, 2000, 11)
      expect(rig.pop.table.mode).toBe('HYBRID')
      expect(decisions(rig).map((decision) => decision.outcome)).toEqual(['refused', 'applied'])
    })
  })

  it('tells a decision held by its dwell time once, and makes it when the time is over', async () => {
    const policy = { ...POLICY, coupling: { ...POLICY.coupling, minDwellS: 6 } }
    await withPop('held', { policy }, async (rig) => {
      await load(rig, 2000, 4)
      expect(decisions(rig)).toMatchObject([{ outcome: 'held', guard: 'dwell', to: 'HYBRID' }])
      expect(rig.pop.table.mode).toBe('TIGHT')
      await load(rig, 2000, 3)
      expect(decisions(rig).map((decision) => decision.outcome)).toEqual(['held', 'applied'])
    })
  })

  it('goes straight to LOOSE when a tight module cannot be reached, whatever the dwell time', async () => {
    const policy = { ...POLICY, coupling: { ...POLICY.coupling, minDwellS: 3600 } }
    await withPop('crash', { policy }, async (rig) => {
      await load(rig, 10, 2)
      rig.silent.add(MONOLITH)
      rig.traffic(PAYMENT, 10, { unreachable: 9 })
      await rig.tick()
      await rig.tick()
      expect(rig.pop.table).toMatchObject({ mode: 'LOOSE', vector: 3 })
      expect(decisions(rig)).toMatchObject([
        { rule: 'crash', outcome: 'applied', loose: ['cart', 'payment'] },
      ])
    })
  })

  it('takes a module whose service died back to the monolith, and sends it there again only when it answers', async () => {
    const policy = { ...POLICY, coupling: { ...POLICY.coupling, minDwellS: 6 } }
    await withPop('crash-tight', { policy }, async (rig) => {
      await load(rig, 6000, 8)
      expect(rig.pop.table.vector).toBe(0b11)
      rig.silent.add('http://payment.test')
      rig.traffic(PAYMENT, 10, { unreachable: 10 })
      await load(rig, 6000, 2)
      expect(rig.pop.table).toMatchObject({ mode: 'HYBRID', vector: 0b01 })
      expect(decisions(rig).at(-1)).toMatchObject({
        rule: 'crash-tight',
        outcome: 'applied',
        loose: ['cart'],
      })
      await load(rig, 6000, 20)
      expect(rig.pop.table.vector).toBe(0b01)
      expect(decisions(rig).at(-1)).toMatchObject({ rule: 'surge-loose', outcome: 'refused' })
      rig.silent.clear()
      await load(rig, 6000, 11)
      expect(rig.pop.table.vector).toBe(0b11)
      const rules = decisions(rig).filter(({ outcome }) => outcome === 'applied')
      expect(rules.map(({ rule }) => rule)).toEqual(['surge-loose', 'crash-tight', 'surge-loose'])
    })
  })

  it('moves nothing when the monolith is as silent as the service, and says so', async () => {
    await withPop('both-down', {}, async (rig) => {
      await load(rig, 6000, 3)
      rig.silent.add('http://payment.test').add(MONOLITH)
      rig.traffic(PAYMENT, 10, { unreachable: 10 })
      await load(rig, 6000, 2)
      expect(rig.pop.table.vector).toBe(0b11)
      const last = decisions(rig).at(-1)
      expect(last).toMatchObject({ rule: 'crash-tight', outcome: 'refused' })
      expect(last?.detail).toContain('connection refused')
    })
  })

  it('moves what is ready when the monolith dies and a service is dead too, and the rest when that answers', async () => {
    await withPop('crash-part', {}, async (rig) => {
      await load(rig, 10, 2)
      rig.silent.add(MONOLITH).add('http://cart.test')
      rig.traffic(PAYMENT, 10, { unreachable: 10 })
      rig.traffic(CART, 10, { unreachable: 10 })
      await rig.tick(2)
      expect(rig.pop.table).toMatchObject({ mode: 'HYBRID', vector: 0b10 })
      const [decision] = decisions(rig)
      expect(decision).toMatchObject({ rule: 'crash', outcome: 'applied', loose: ['payment'] })
      expect(decision?.detail).toContain('stays: cart at http://cart.test/healthz: connection refused')
      rig.silent.delete('http://cart.test')
      await rig.tick(11)
      expect(rig.pop.table.vector).toBe(0b11)
    })
  })

  it("takes nobody's word for a crash: clients that break off their own uploads move nothing", async () => {
    await withPop('forged', {}, async (rig) => {
      for (const down of [false, true]) {
        if (down) rig.down.add(MONOLITH)
        for (let tick = 0; tick < 6; tick++) {
          rig.traffic(PAYMENT, 10, { unreachable: 10 })
          await rig.tick()
        }
        expect(rig.pop.table.mode).toBe('TIGHT')
      }
      expect(rig.probed.length).toBeGreaterThan(3)
      expect(decisions(rig)).toEqual([])
    })
  })

  it('does not blame the new target for requests that went to the old one', async () => {
    await withPop('blame', {}, async (rig) => {
      const tableVersion = rig.pop.table.version
      rig.silent.add(MONOLITH)
      rig.traffic(PAYMENT, 10, { unreachable: 9 })
      await rig.tick()
      await rig.tick()
      expect(rig.pop.table.mode).toBe('LOOSE')
      rig.probed.length = 0
      rig.traffic(PAYMENT, 10, { unreachable: 9, tableVersion })
      await rig.tick()
      expect(rig.probed).toEqual([])
      rig.traffic(PAYMENT, 10, { unreachable: 9 })
      await rig.tick()
      expect(rig.probed).toEqual(['http://payment.test/healthz'])
    })
  })

  it('comes back to TIGHT after a calm, and not before', async () => {
    await withPop('calm', {}, async (rig) => {
      await load(rig, 2000, 10)
      await load(rig, 10, 15)
      expect(rig.pop.table.mode).toBe('HYBRID')
      await load(rig, 10, 5)
      expect(rig.pop.table).toMatchObject({ mode: 'TIGHT', vector: 0 })
      expect(decisions(rig).map((decision) => decision.rule)).toEqual(['surge-hybrid', 'calm-tight'])
    })
  })

  it('resumes the same table, decision memory and counters when it is killed at any tick', async () => {
    await withPop('killed', {}, async (rig) => {
      await load(rig, 2000, 3)
      const { table } = rig.pop
      const { ticks, requests } = rig.pop.status()
      rig.restart()
      expect(rig.pop.table).toEqual(table)
      expect(rig.pop.status()).toMatchObject({ ticks, requests: 6000 })
      expect(requests).toBe(6000)
      await load(rig, 10, 11)
      rig.restart()
      await load(rig, 10, 10)
      expect(rig.pop.table.mode).toBe('TIGHT')
    })
  })

  it('keeps the last three stable tables beside the current one', async () => {
    await withPop('journal', {}, async (rig, state) => {
      for (let round = 0; round < 3; round++) {
        await load(rig, 5000, 6)
        await load(rig, 0, 25)
      }
      const rows = state.storage.sql
        .exec<{ version: number; stable: number }>('SELECT version, stable FROM tables ORDER BY version')
        .toArray()
      expect(rig.pop.table.version).toBe(7)
      expect(rows).toEqual([
        { version: 4, stable: 1 },
        { version: 5, stable: 1 },
        { version: 6, stable: 1 },
        { version: 7, stable: 0 },
      ])
    })
  })
})
