import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { Arrivals } from '../../../examples/replay/arrivals.ts'
import { flashSale, peakRps } from '../../../examples/replay/plan.ts'
import { Shopper } from '../../../examples/replay/shopper.ts'

const SEED = 20_261

describe('arrivals', () => {
  it('come at the rate of their moment, with the spread of a Poisson process', () => {
    const arrivals = new Arrivals((atMs) => (atMs < 500_000 ? 20 : 80), 80, seededRandom(SEED))
    const counts = new Array<number>(1000).fill(0)
    for (const atMs of arrivals.upTo(999_999))
      counts[Math.floor(atMs / 1000)] = (counts[Math.floor(atMs / 1000)] ?? 0) + 1
    for (const [part, rate] of [
      [counts.slice(0, 500), 20],
      [counts.slice(500), 80],
    ] as const) {
      const mean = part.reduce((sum, count) => sum + count, 0) / part.length
      const variance = part.reduce((sum, count) => sum + (count - mean) ** 2, 0) / part.length
      expect(Math.abs(mean - rate)).toBeLessThan(4 * Math.sqrt(rate / part.length))
      expect(variance / mean).toBeGreaterThan(0.75)
      expect(variance / mean).toBeLessThan(1.3)
    }
  })

  it('are each handed out once, in order, however they are asked for', () => {
    const all = new Arrivals(() => 50, 50, seededRandom(SEED)).upTo(10_000)
    const piecewise = new Arrivals(() => 50, 50, seededRandom(SEED))
    expect([...piecewise.upTo(3333), ...piecewise.upTo(3334), ...piecewise.upTo(10_000)]).toEqual(all)
    expect(all).toEqual(all.toSorted((a, b) => a - b))
  })
})

describe('the flash sale', () => {
  it('goes from 500 by its own ramp to 8,000 and back to 600, without a jump', () => {
    const plan = flashSale()
    expect(plan.rps(69)).toBeGreaterThan(450)
    expect(plan.rps(69)).toBeLessThan(550)
    expect(plan.rps(90)).toBe(8000)
    expect(plan.rps(119)).toBe(600)
    expect(peakRps(plan)).toBe(8000)
    for (let minute = 0.1; minute < plan.minutes; minute += 0.1) {
      const growth = plan.rps(minute) / plan.rps(minute - 0.1)
      expect(growth).toBeGreaterThan(0.9)
      expect(growth).toBeLessThan(1.1)
    }
  })
})

describe('the shop customer', () => {
  it('draws the mix, and builds later requests on what earlier ones made', () => {
    const shopper = new Shopper(seededRandom(SEED))
    const seen: Record<string, number> = {}
    let id = 0
    for (let i = 0; i < 20_000; i++) {
      const request = shopper.next()
      seen[request.module] = (seen[request.module] ?? 0) + 1
      request.made?.({ id: `id-${id++}` })
      if (request.path === '/payment') expect(request.body).toMatch(/"cart":"id-\d+"/)
      if (request.path === '/shipping') expect(request.body).toMatch(/"payment":"id-\d+"/)
    }
    expect((seen.catalog ?? 0) / 20_000).toBeCloseTo(0.7, 1)
    expect((seen.cart ?? 0) / 20_000).toBeCloseTo(0.18, 1)
    expect(seen.payment).toBeGreaterThan(800)
    expect(seen.shipping).toBeGreaterThan(1100)
  })
})
