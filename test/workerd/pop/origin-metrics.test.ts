import { describe, expect, it } from 'vitest'
import type { MinuteMessage } from '../../../contract/messages.ts'
import { FORECAST_FEATURES, windowFeatures } from '../../../contract/model/forecast-window.ts'
import type { SeriesHistory } from '../../../contract/model/series.ts'
import { MONOLITH, POLICY, type Rig, withPop } from './pop-rig.ts'

/** One look at the origins a minute. */
const TICKS_A_MINUTE = 5
const FAST = { speed: 60, weight: 60, tickMs: 200, policy: { ...POLICY, originMetrics: '/load' } } as const
const CART = 0

async function minutesOf(rig: Rig, count: number): Promise<void> {
  for (let tick = 0; tick < count * TICKS_A_MINUTE; tick++) {
    rig.traffic(CART, 1)
    await rig.tick()
  }
}

function lastMinute(rig: Rig): MinuteMessage | undefined {
  return rig.outbox().findLast((message): message is MinuteMessage => message.kind === 'minute')
}

describe('what origins report of themselves', () => {
  it('reaches the forecast, minute by minute and over a restart; what is not reported is masked, not zero', async () => {
    await withPop('origins', FAST, async (rig) => {
      await minutesOf(rig, 60)
      rig.bodies.set(MONOLITH, '{"cpu": 0.25, "dbQueue": 4}')
      await minutesOf(rig, 2.4)
      rig.restart()
      await minutesOf(rig, 1)
      const [total] = rig.asked.at(-1) ?? []
      expect(total?.cpu).toHaveLength(60)
      expect(total?.cpu?.slice(-2)).toEqual([0.25, 0.25])
      expect(total?.cpu?.slice(0, -4).every(Number.isNaN)).toBe(true)
      expect(total).not.toHaveProperty('memory')
      expect(total).not.toHaveProperty('dbQueue')
      const { features } = windowFeatures(total as SeriesHistory)
      const last = (name: (typeof FORECAST_FEATURES)[number]) =>
        features[59 * FORECAST_FEATURES.length + FORECAST_FEATURES.indexOf(name)]
      expect([last('cpu'), last('cpuMissing')]).toEqual([0.25, 0])
      expect([last('memoryMissing'), last('dbQueueMissing')]).toEqual([1, 1])
      const load = { cpu: 0.25, memory: null, dbQueue: 4, dbQueueShare: null, messageQueue: null }
      expect(lastMinute(rig)).toMatchObject({
        origin: load,
        modules: [{ origin: load }, {}, { origin: load }],
      })
      expect(rig.pop.status().origins).toEqual([
        {
          target: MONOLITH,
          path: '/load',
          modules: ['cart', 'payment', 'static'],
          origin: load,
          error: null,
        },
      ])
    })
  })

  it('is missing from then on when an origin falls silent, with the reason in the status', async () => {
    await withPop('origins-silent', FAST, async (rig) => {
      rig.bodies.set(MONOLITH, 'atlas_cpu_ratio 0.5')
      await minutesOf(rig, 60)
      expect(lastMinute(rig)?.origin?.cpu).toBe(0.5)
      rig.down.add(MONOLITH)
      await minutesOf(rig, 6)
      expect(lastMinute(rig)).not.toHaveProperty('origin')
      expect(rig.asked.at(-1)?.[0]?.cpu?.slice(-2)).toEqual([Number.NaN, Number.NaN])
      expect(rig.pop.status()).toMatchObject({ tickErrors: 0, origins: [{ error: 'it answered 503' }] })
    })
  })

  it('is asked of nobody when the policy names no path', async () => {
    await withPop('origins-none', { ...FAST, policy: POLICY }, async (rig) => {
      await minutesOf(rig, 64)
      expect(rig.probed).toEqual([])
      expect(rig.pop.status().origins).toEqual([])
      expect(rig.asked.at(-1)?.[0]).not.toHaveProperty('cpu')
      expect(lastMinute(rig)).not.toHaveProperty('origin')
    })
  })
})
