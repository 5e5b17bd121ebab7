import { describe, expect, it } from 'vitest'
import type { MinuteMessage } from '../../../contract/messages.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { TapRing } from '../../../core-wasm/tap-ring.ts'
import { POLICY, type Rig, START_MS, withPop } from './pop-rig.ts'

const [CART, PAYMENT] = [0, 1]
const FAST = { speed: 60, tickMs: 200 } as const
const TICKS_A_MINUTE = 5

/** One report of an isolate: requests of `callee`, all of them by `caller`. */
function calls(rig: Rig, caller: number, callee: number, requests: number, tableVersion: number): void {
  const ring = new TapRing(loadCore())
  const bucketMs = START_MS + (rig.clock.wall - START_MS) * FAST.speed
  for (let index = 0; index < requests; index++) ring.write(bucketMs, callee, 200, 10, 100, 0, caller)
  rig.pop.flush(rig.report({ aggregates: ring.drain(), tableVersion }))
}

function lastMinute(rig: Rig): MinuteMessage | undefined {
  return rig.outbox().findLast((message): message is MinuteMessage => message.kind === 'minute')
}

describe('the calls between modules', () => {
  it('are told by name with the minute, in requests of the trace, over a restart in the middle of it', async () => {
    await withPop('calls', { ...FAST, weight: 30 }, async (rig) => {
      const { version } = rig.pop.table
      for (let tick = 0; tick < 2 * TICKS_A_MINUTE; tick++) {
        calls(rig, CART, PAYMENT, 3, version)
        rig.traffic(CART, 5)
        await rig.tick()
        if (tick === 2) rig.restart()
      }
      expect(lastMinute(rig)?.calls).toEqual([{ caller: 'cart', callee: 'payment', requests: 450 }])
    })
  })

  it('follow their modules by name when the policy lists them in another order', async () => {
    const [cart, payment, other] = POLICY.modules
    const turned = { ...POLICY, modules: [other, payment, cart] }
    await withPop('turned', { ...FAST, policy: turned }, async (rig) => {
      const before = rig.pop.table.version
      rig.restart({ policy: POLICY })
      expect(rig.pop.table.policy.modules[0]?.name).toBe('cart')
      for (let tick = 0; tick < 2 * TICKS_A_MINUTE; tick++) {
        calls(rig, 2, 1, 2, before)
        await rig.tick()
      }
      expect(lastMinute(rig)?.calls).toEqual([{ caller: 'cart', callee: 'payment', requests: 10 }])
    })
  })

  it('are none in a minute in which every request came from outside', async () => {
    await withPop('no-calls', FAST, async (rig) => {
      for (let tick = 0; tick < 2 * TICKS_A_MINUTE; tick++) {
        rig.traffic(CART, 5)
        await rig.tick()
      }
      expect(lastMinute(rig)?.calls).toEqual([])
    })
  })
})
