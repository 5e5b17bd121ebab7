import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../contract/ports.ts'
import type { CallShare } from '../../../../edge/pop/alert/call-book.ts'
import { diagnose, FRONT } from '../../../../edge/pop/alert/diagnosis.ts'
import type { TickWindow, WindowCounts } from '../../../../edge/pop/alert/tick-window.ts'

const SEED = 21
const WINDOW_MS = 5000
const NORMAL = 60
const ODD = 8
const ONSET_MS = NORMAL * WINDOW_MS

/** What a module does to each of its requests in a window, apart from those it calls; null: it had no requests. */
interface Behaviour {
  readonly requests: number
  readonly failing?: number
  readonly ms: number
}
type Site = Readonly<Record<string, Behaviour | null>>

/** A window for each site of the list: counts and latencies spread as those of that many requests do. */
function windowsOf(sites: readonly Site[], isOdd: (window: number) => boolean = () => false): TickWindow[] {
  const random = seededRandom(SEED)
  const noise = () => 2 * (random.next() + random.next() + random.next()) - 3
  return sites.map((site, at) => {
    const modules = Object.entries(site).flatMap(([name, behaviour]): [string, WindowCounts][] => {
      if (behaviour === null) return []
      const { requests, failing = 0.002, ms } = behaviour
      const served = Math.round(requests * (1 + 0.05 * noise()))
      const failed = Math.max(0, Math.round(served * failing + Math.sqrt(served * failing) * noise()))
      return [[name, [served, failed, ms * (1 + (0.5 * noise()) / Math.sqrt(served))]]]
    })
    return {
      startMs: at * WINDOW_MS,
      endMs: (at + 1) * WINDOW_MS,
      isOdd: isOdd(at),
      modules: Object.fromEntries(modules),
    }
  })
}

const times = (count: number, site: Site): Site[] => new Array<Site>(count).fill(site)
/** Diagnoses what follows ordinary windows, told that `odd` is odd itself. */
function diagnosed(
  ordinary: Site,
  odd: Site,
  calls: readonly CallShare[] = [],
  module: string | null = null,
) {
  return diagnose(windowsOf([...times(NORMAL, ordinary), ...times(ODD, odd)]), calls, ONSET_MS, module)
}

const CART = { requests: 300, ms: 20 }
const PAYMENT = { requests: 200, ms: 60 }
const shop: Site = { cart: CART, payment: PAYMENT }
const CALLS: CallShare[] = [{ caller: 'cart', callee: 'payment', share: 1 }]

describe(`diagnosis of an alert (seed ${SEED})`, () => {
  it('names a module that fails', () => {
    const { suspects } = diagnosed(shop, { ...shop, payment: { ...PAYMENT, failing: 0.2 } })
    expect(suspects?.[0]).toMatchObject({
      module: 'payment',
      metric: 'availability',
      path: [FRONT, 'payment'],
    })
    expect(suspects?.[0]?.share).toBeGreaterThan(0.8)
  })

  it('names a module that is slow', () => {
    const { suspects, undiagnosed } = diagnosed(shop, { ...shop, payment: { ...PAYMENT, ms: 180 } })
    expect(suspects?.[0]).toMatchObject({ module: 'payment', metric: 'latency', path: [FRONT, 'payment'] })
    expect(suspects?.[0]?.deviation).toBeGreaterThan(3)
    expect(undiagnosed).toBeNull()
  })

  it('names the slow module and not the one that calls it, when all its requests come that way', () => {
    const slow = { cart: { ...CART, ms: 20 + (120 * 200) / 300 }, payment: { ...PAYMENT, ms: 180 } }
    expect(diagnosed(shop, slow, CALLS).suspects?.[0]).toMatchObject({
      module: 'payment',
      path: [FRONT, 'cart', 'payment'],
    })
    const own = { ...shop, cart: { ...CART, ms: 100 } }
    expect(diagnosed(shop, own, CALLS).suspects?.[0]).toMatchObject({ module: 'cart', path: [FRONT, 'cart'] })
  })

  it('follows what comes from outside too, where only a part of the requests are calls', () => {
    const calls = CALLS.map((call) => ({ ...call, share: 0.25 }))
    const slow = { cart: { ...CART, ms: 20 + (120 * 0.25 * 200) / 300 }, payment: { ...PAYMENT, ms: 180 } }
    expect(diagnosed(shop, slow, calls).suspects?.[0]).toMatchObject({
      module: 'payment',
      path: [FRONT, 'payment'],
    })
  })

  it('blames a caller for no more than its callee explains: cart is slower than the calls make it', () => {
    const slow = { cart: { ...CART, ms: 300 }, payment: { ...PAYMENT, ms: 66 } }
    expect(diagnosed(shop, slow, CALLS).suspects?.[0]?.module).toBe('cart')
  })

  it('names nobody before there are ten ordinary windows, and says how many there are', () => {
    const slow = { ...shop, payment: { ...PAYMENT, ms: 180 } }
    const seen = (normal: number) =>
      diagnose(windowsOf([...times(normal, shop), ...times(ODD, slow)]), [], normal * WINDOW_MS, null)
    expect(seen(0).undiagnosed).toContain(': 0 of 10 windows')
    expect(seen(11).undiagnosed).toContain(': 9 of 10 windows')
    expect(seen(12).suspects?.[0]?.module).toBe('payment')
  })

  it('names nobody when it is the traffic that is odd', () => {
    const crowd = { cart: { ...CART, requests: 3000 }, payment: { ...PAYMENT, requests: 2000 } }
    expect(diagnosed(shop, crowd)).toEqual({
      suspects: null,
      undiagnosed: expect.stringContaining('traffic'),
    })
    expect(diagnosed(shop, shop, CALLS, 'cart').suspects).toBeNull()
  })

  it('does not accuse a module that stops reporting, but the one that fails for it', () => {
    expect(diagnosed(shop, { cart: CART, payment: null }).suspects).toBeNull()
    const failing = { cart: { ...CART, failing: 0.3 }, payment: null }
    expect(diagnosed(shop, failing, CALLS).suspects?.[0]).toMatchObject({
      module: 'cart',
      metric: 'availability',
    })
    expect(diagnosed(shop, { cart: null, payment: null }).suspects).toBeNull()
  })

  it('finds the slow module of a cycle of calls', () => {
    const cycle = [
      { caller: 'cart', callee: 'payment', share: 0.5 },
      { caller: 'payment', callee: 'cart', share: 0.3 },
    ]
    const slow = { cart: CART, payment: { ...PAYMENT, ms: 240 } }
    expect(diagnosed(shop, slow, cycle).suspects?.[0]?.module).toBe('payment')
  })

  it('names the module that is odd itself when no request of the cycle comes from outside', () => {
    const closed = [
      { caller: 'cart', callee: 'payment', share: 1 },
      { caller: 'payment', callee: 'cart', share: 1 },
    ]
    const slow = { cart: CART, payment: { ...PAYMENT, ms: 240 } }
    expect(diagnosed(shop, slow, closed).suspects).toBeNull()
    expect(diagnosed(shop, slow, closed, 'payment').suspects?.[0]?.module).toBe('payment')
  })

  it('names requests that match no module like any other', () => {
    const more = { ...shop, '(unrouted)': { requests: 100, ms: 15 } }
    const { suspects } = diagnosed(more, { ...more, '(unrouted)': { requests: 100, ms: 15, failing: 0.5 } })
    expect(suspects?.[0]).toMatchObject({ module: '(unrouted)', metric: 'availability' })
  })

  it('takes windows of earlier alerts for no example of what is ordinary', () => {
    const slow = { ...shop, payment: { ...PAYMENT, ms: 180 } }
    const sites = [...times(20, shop), ...times(30, slow), ...times(10, shop), ...times(ODD, slow)]
    const wasOdd = (window: number) => window >= 20 && window < 50
    expect(diagnose(windowsOf(sites, wasOdd), [], ONSET_MS, null).suspects?.[0]?.module).toBe('payment')
    expect(diagnose(windowsOf(sites), [], ONSET_MS, null).suspects).toBeNull()
  })

  it('goes by the last ordinary windows: what was ordinary long ago is so no more', () => {
    const before = { ...shop, payment: { ...PAYMENT, ms: 180 } }
    const sites = [...times(400, before), ...times(200, shop), ...times(ODD, before)]
    const { suspects } = diagnose(windowsOf(sites), [], 600 * WINDOW_MS, null)
    expect(suspects?.[0]).toMatchObject({ module: 'payment', metric: 'latency' })
  })

  it('looks first at the front door, then at the module that is odd itself though few see it', () => {
    const big = { cart: { requests: 20_000, ms: 400 }, payment: { requests: 5, ms: 60 } }
    const slow = { ...big, payment: { requests: 5, ms: 600 } }
    expect(diagnosed(big, slow, [], 'payment').suspects?.[0]).toMatchObject({
      module: 'payment',
      metric: 'latency',
    })
    expect(diagnosed(big, slow, [], 'unknown').suspects ?? []).not.toContainEqual(
      expect.objectContaining({ module: 'unknown' }),
    )
  })

  it('names at most five, whose shares are no more than all, and is plain JSON', () => {
    const names = Array.from({ length: 9 }, (_, index) => `m${index}`)
    const site = (ms: number) => Object.fromEntries(names.map((name) => [name, { requests: 200, ms }]))
    const diagnosis = diagnosed(site(20), site(90))
    expect(diagnosis.suspects).toHaveLength(5)
    const shares = (diagnosis.suspects ?? []).map(({ share }) => share)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(1)
    expect(JSON.parse(JSON.stringify(diagnosis))).toEqual(diagnosis)
  })

  it('knows modules by names that every object has', () => {
    const odd = { cart: CART, constructor: PAYMENT, toString: { requests: 100, ms: 5 } }
    const sites = [...times(NORMAL, odd), ...times(ODD, { ...odd, constructor: { ...PAYMENT, ms: 180 } })]
    const windows = [...windowsOf(times(3, { cart: CART })), ...windowsOf(sites)]
    expect(diagnose(windows, [], ONSET_MS, null).suspects?.[0]?.module).toBe('constructor')
  })
})
