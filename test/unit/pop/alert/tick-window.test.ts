import { describe, expect, it } from 'vitest'
import { type ModuleCounts, type OpenWindow, withTick } from '../../../../edge/pop/alert/tick-window.ts'

const counts = (
  requests: number,
  p95Ms: number | null,
  { name = 'cart', failures = 0 } = {},
): ModuleCounts => ({ name, requests, failures, p95Ms })

/** A window of ticks of a second, each through JSON, as over a restart. */
function windowOf(...ticks: readonly (readonly ModuleCounts[])[]): OpenWindow {
  const window = ticks.reduce<OpenWindow | null>((open, modules, second) => {
    const tick = { fromMs: second * 1000, toMs: second * 1000 + 1000, isOdd: false }
    return JSON.parse(JSON.stringify(withTick(open, tick, modules))) as OpenWindow
  }, null)
  if (window === null) throw new Error('no tick')
  return window
}

describe('a window of ticks', () => {
  it('adds up requests and failures, and spans its ticks', () => {
    const window = windowOf([counts(10, 5, { failures: 1 })], [], [counts(30, 5, { failures: 2 })])
    expect(window).toMatchObject({ startMs: 0, endMs: 3000, ticks: 3, modules: { cart: [40, 3, 5] } })
  })

  it('weighs the p95 of its ticks by their requests', () => {
    expect(windowOf([counts(10, 100)], [counts(30, 20)], [counts(40, 60)]).modules.cart?.[2]).toBe(50)
  })

  it('passes over ticks without a latency, wherever they stand', () => {
    expect(windowOf([counts(0, null)], [counts(10, 20)], [counts(5, null)]).modules.cart).toEqual([15, 0, 20])
    expect(windowOf([counts(3, null)]).modules.cart).toEqual([3, 0, null])
    expect(windowOf([counts(0, 7)], [counts(0, 9)]).modules.cart).toEqual([0, 0, 9])
  })

  it('knows each module by its name, also by one that every object has', () => {
    const names = ['cart', 'constructor', 'toString', '__proto__']
    const window = windowOf(...[1, 2].map(() => names.map((name) => counts(10, 5, { name, failures: 1 }))))
    expect(Object.entries(window.modules)).toEqual(names.map((name) => [name, [20, 2, 5]]))
  })

  it('is odd when one of its ticks is', () => {
    const tick = { fromMs: 0, toMs: 1, isOdd: false }
    const odd = withTick(withTick(null, tick, []), { ...tick, isOdd: true }, [])
    expect([odd.isOdd, withTick(odd, tick, []).isOdd]).toEqual([true, true])
  })
})
