import { describe, expect, it } from 'vitest'
import type { Forecast, MinuteMessage } from '../../../contract/messages.ts'
import type { ForestSource } from '../../../edge/pop/anomaly-watch.ts'
import { type Rig, START_MS, withPop } from './pop-rig.ts'

const CART = 0
const UNROUTED = 31
const FAST = { speed: 60, tickMs: 200 } as const
const TICKS_A_MINUTE = 5

const minutes = (rig: Rig) =>
  rig.outbox().filter((message): message is MinuteMessage => message.kind === 'minute')

async function minutesOf(rig: Rig, count: number, requests = 12): Promise<void> {
  for (let tick = 0; tick < count * TICKS_A_MINUTE; tick++) {
    rig.traffic(CART, requests)
    await rig.tick()
  }
}

function forecastAt(madeAtMs: number, rps = 5): Forecast {
  const interval = { p10: rps, p50: rps, p90: rps }
  return { madeAtMs, model: 'test', in5: interval, in15: interval, in60: interval }
}

describe('what a PoP sees', () => {
  it('tells counts, rates and latency quantiles per module, and none for a module without requests', async () => {
    await withPop('second', {}, async (rig) => {
      rig.traffic(CART, 50, { unreachable: 3 })
      rig.traffic(UNROUTED, 10)
      await rig.tick()
      const { second, requests } = rig.pop.status()
      expect(requests).toBe(60)
      expect(second?.rps).toBe(60)
      const [cart, payment] = second?.modules ?? []
      expect(cart).toMatchObject({ name: 'cart', requests: 50, unreachable: 3, rps: 50, loose: false })
      expect(Math.abs((cart?.p99Ms ?? 0) - 10)).toBeLessThan(0.2)
      expect(payment).toMatchObject({ requests: 0, p50Ms: null, p99Ms: null })
    })
  })

  it('sums what several isolates report and counts those of the last three seconds', async () => {
    await withPop('isolates', {}, async (rig) => {
      rig.traffic(CART, 5, { isolate: 'a' })
      rig.traffic(CART, 7, { isolate: 'b' })
      await rig.tick()
      expect(rig.pop.status()).toMatchObject({ isolates: 2, requests: 12 })
      await rig.tick(2)
      rig.traffic(CART, 1, { isolate: 'b' })
      await rig.tick()
      expect(rig.pop.status().isolates).toBe(1)
    })
  })

  it('counts a report under the module names of the table it was measured under', async () => {
    await withPop('renamed', {}, async (rig) => {
      rig.traffic(2, 4, { tableVersion: 0 })
      rig.traffic(2, 3, { tableVersion: 999 })
      await rig.tick()
      expect(rig.pop.status().second?.modules[2]).toMatchObject({ name: 'static', requests: 4 })
      expect(rig.pop.status().requests).toBe(7)
    })
  })

  it('refuses garbage in a report, counts it, and uses the rest', async () => {
    await withPop('garbage', {}, async (rig) => {
      const garbage: unknown[] = [
        null,
        { bucketStartMs: Number.NaN, modules: [] },
        { bucketStartMs: START_MS + 9e9, modules: [] },
        { bucketStartMs: START_MS, modules: 'x' },
        { bucketStartMs: START_MS, modules: [{ module: 77, requests: -1, latency: new Uint8Array(9) }] },
      ]
      rig.pop.flush(rig.report({ aggregates: garbage as never }))
      rig.pop.flush(rig.report({ pop: 'somebody-else' }))
      rig.pop.flush(rig.report({ isolate: 'no token!' }))
      rig.pop.flush(rig.report({ limitUse: [{ limit: 'x', key: 'k', cost: Number.NaN }] }))
      rig.pop.flush(null as never)
      rig.traffic(CART, 3)
      await rig.tick()
      expect(rig.pop.status()).toMatchObject({ requests: 3, refusedReports: 9, tickErrors: 0 })
    })
  })

  it('tells each isolate what the others charged its keys', async () => {
    await withPop('limits', {}, async (rig) => {
      const use = (cost: number) => [{ limit: 'api', key: 'k', cost }]
      const flush = (isolate: string, cost: number) =>
        rig.pop.flush(rig.report({ isolate, limitUse: cost > 0 ? use(cost) : [] })).othersUse
      expect(flush('a', 5)).toEqual([])
      expect(flush('b', 2)).toEqual([])
      expect(flush('a', 1)).toEqual(use(2))
      expect(flush('b', 0)).toEqual(use(1))
      expect(flush('b', 0)).toEqual([])
    })
  })

  it('counts an error inside a tick, shows it, and goes on with the next tick', async () => {
    await withPop('broken', {}, async (rig, state) => {
      state.storage.sql.exec('ALTER TABLE state RENAME TO lost')
      await rig.tick()
      expect(rig.pop.status).toThrow()
      state.storage.sql.exec('ALTER TABLE lost RENAME TO state')
      await rig.tick()
      const status = rig.pop.status()
      expect(status).toMatchObject({ ticks: 2, tickErrors: 1 })
      expect(status.tickError).toContain('state')
    })
  })

  it('does not tick twice when its alarm is delivered twice, even over a restart', async () => {
    await withPop('twice', {}, async (rig) => {
      await rig.tick()
      await rig.pop.tick()
      expect(rig.restart().status().ticks).toBe(1)
      await rig.pop.tick()
      expect(rig.pop.status().ticks).toBe(1)
    })
  })

  it('says why there is no anomaly score when the forest is refused', async () => {
    const forest: ForestSource = {
      ok: true,
      bytes: new Uint8Array(40),
      manifest: { tails: [], level: 2.5, calibration: [{ raw: 0.5, score: 0.7 }] },
    }
    await withPop('forest', { forest }, async (rig) => {
      await rig.tick(70)
      const { modelError, second } = rig.pop.status()
      expect(modelError).toMatch(/forest/)
      expect(second?.anomaly).toBeNull()
    })
  })
})

describe('minutes and forecasts of a PoP', () => {
  it('closes each minute of trace time once, by the time of its requests', async () => {
    await withPop('minutes', { ...FAST, weight: 60 }, async (rig) => {
      await minutesOf(rig, 3)
      const told = minutes(rig)
      expect(told.map((minute) => minute.minuteStartMs)).toEqual([START_MS, START_MS + 60_000])
      for (const minute of told) expect(minute.rps).toBeCloseTo(60, 6)
      expect(told[0]?.modules[0]).toMatchObject({ name: 'cart', rps: 60, errorRate: 0 })
    })
  })

  it('closes several minutes when one tick is longer than a minute', async () => {
    await withPop('long-ticks', { speed: 600, tickMs: 200 }, async (rig) => {
      for (let tick = 0; tick < 10; tick++) {
        rig.traffic(CART, 12)
        await rig.tick()
      }
      expect(minutes(rig).map((minute) => (minute.minuteStartMs - START_MS) / 60_000)).toEqual(
        Array.from({ length: 16 }, (_, index) => index),
      )
    })
  })

  it('keeps its minutes over a restart; those it was away for are unknown, not zero', async () => {
    await withPop('away', FAST, async (rig) => {
      rig.answer = async () => ({ ok: true, model: 'test', forecasts: [forecastAt(rig.clock.wall)] })
      await minutesOf(rig, 50)
      rig.clock.wall += 10_000
      rig.restart()
      expect(rig.pop.status().second).toBeNull()
      await minutesOf(rig, 5)
      const [series] = rig.asked.at(-1) ?? []
      expect(series?.rps).toHaveLength(60)
      const unknown = series?.rps.filter(Number.isNaN).length
      expect(unknown).toBe(10)
      expect(series?.rps.at(-1)).toBeCloseTo(1, 6)
    })
  })

  it('is warming below 60 minutes, and then says what the forecaster says', async () => {
    await withPop('warming', FAST, async (rig) => {
      rig.answer = async () => ({ ok: true, model: 'test', forecasts: [] })
      await minutesOf(rig, 40)
      expect(rig.pop.status().second?.forecaster).toEqual({ kind: 'warming', minutes: 39, of: 60 })
      expect(rig.asked).toEqual([[]])
      rig.answer = async () => ({
        ok: true,
        model: 'test',
        forecasts: [forecastAt(START_MS + (rig.clock.wall - START_MS) * FAST.speed, 1500)],
      })
      await minutesOf(rig, 22)
      expect(rig.asked.at(-1)?.[0]).toMatchObject({ name: 'total', stepS: 60 })
      expect(rig.pop.status().second?.forecaster).toMatchObject({
        kind: 'ready',
        forecast: { model: 'test' },
      })
      expect(rig.pop.table.mode).toBe('HYBRID')
      expect(rig.pop.status().lastDecision).toMatchObject({ rule: 'surge-hybrid', predictedRps: 1500 })
      expect(minutes(rig).at(-1)?.forecast?.in5.p50).toBe(1500)
    })
  })

  it('has the model opened while it warms, and tells a bad one long before it is needed', async () => {
    await withPop('opening', FAST, async (rig) => {
      rig.answer = async () => ({ ok: false, reason: 'model/unreadable: cut short' })
      await minutesOf(rig, 5)
      expect(rig.asked.every((histories) => histories.length === 0)).toBe(true)
      expect(rig.pop.status().second?.forecaster).toEqual({
        kind: 'reactive',
        reason: 'model/unreadable: cut short',
      })
      rig.answer = async () => ({ ok: true, model: 'test', forecasts: [] })
      await minutesOf(rig, 2)
      expect(rig.pop.status().second?.forecaster).toMatchObject({ kind: 'warming' })
    })
  })

  it('is reactive, with the reason, when the forecaster fails, cannot be reached, or grows old', async () => {
    await withPop('reactive', FAST, async (rig) => {
      const forecaster = () => rig.pop.status().second?.forecaster
      rig.answer = async () => ({ ok: false, reason: 'model/unreadable: cut short' })
      await minutesOf(rig, 62)
      expect(forecaster()).toEqual({ kind: 'reactive', reason: 'model/unreadable: cut short' })
      rig.answer = () => Promise.reject(new Error('object is gone'))
      await minutesOf(rig, 2)
      expect(forecaster()).toEqual({
        kind: 'reactive',
        reason: 'the forecaster cannot be reached: object is gone',
      })
      const madeAtMs = START_MS + (rig.clock.wall - START_MS) * FAST.speed
      rig.answer = async () => ({ ok: true, model: 'test', forecasts: [forecastAt(madeAtMs)] })
      await minutesOf(rig, 2)
      expect(forecaster()).toMatchObject({ kind: 'ready' })
      await minutesOf(rig, 2)
      expect(forecaster()).toMatchObject({ kind: 'reactive', reason: expect.stringContaining('s old') })
    })
  })

  it('begins its histories anew on another time scale', async () => {
    await withPop('timeline', FAST, async (rig, state) => {
      await minutesOf(rig, 3)
      rig.restart({ weight: 2 })
      expect(state.storage.sql.exec('SELECT * FROM minutes').toArray()).toEqual([])
      expect(rig.pop.status().ticks).toBe(0)
    })
  })
})
