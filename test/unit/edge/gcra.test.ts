import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { charge, gcra, remaining, waitMs } from '../../../edge/control/gcra.ts'

/** The same limit as a leaky bucket that is drained millisecond by millisecond, in whole units of 1/1000 request. */
class SlowBucket {
  #milli = 0
  #atMs = 0
  readonly #rps: number
  readonly #burst: number

  constructor(rps: number, burst: number) {
    this.#rps = rps
    this.#burst = burst
  }

  take(nowMs: number): boolean {
    for (; this.#atMs < nowMs; this.#atMs++) this.#milli = Math.max(0, this.#milli - this.#rps)
    if (this.#milli + 1000 > this.#burst * 1000) return false
    this.#milli += 1000
    return true
  }

  get free(): number {
    return Math.floor((this.#burst * 1000 - this.#milli) / 1000)
  }
}

describe('gcra', () => {
  it('decides as a slow leaky bucket does, request by request', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed)
      const rps =
        [1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500][Math.floor(random.next() * 15)] ?? 1
      const burst = 1 + Math.floor(random.next() * 30)
      const rate = gcra(rps, burst)
      const slow = new SlowBucket(rps, burst)
      let tatMs = 0
      let nowMs = 0
      for (let turn = 0; turn < 400; turn++) {
        nowMs += random.next() < 0.6 ? 0 : Math.floor(random.next() * random.next() * 3000)
        const passes = waitMs(rate, tatMs, nowMs) === 0
        expect(passes, `seed ${seed}, turn ${turn}`).toBe(slow.take(nowMs))
        if (passes) tatMs = charge(rate, tatMs, nowMs)
        expect(remaining(rate, tatMs, nowMs), `seed ${seed}, turn ${turn}`).toBe(slow.free)
      }
    }
  })

  it('says how long to wait: a request then conforms, one millisecond sooner it does not', () => {
    const rate = gcra(10, 3)
    const tatMs = charge(rate, 0, 1000, 3)
    const wait = waitMs(rate, tatMs, 1000)
    expect(wait).toBe(100)
    expect(waitMs(rate, tatMs, 1000 + wait)).toBe(0)
    expect(waitMs(rate, tatMs, 999 + wait)).toBe(1)
  })

  it('can be charged beyond the limit by what other isolates let pass', () => {
    const rate = gcra(1, 2)
    const tatMs = charge(rate, 0, 0, 10)
    expect(waitMs(rate, tatMs, 0)).toBe(9000)
    expect(remaining(rate, tatMs, 0)).toBe(0)
  })

  it('refuses rates and bursts that are none', () => {
    expect(() => gcra(0, 1)).toThrow('rps must be above 0, but is 0')
    expect(() => gcra(1, 0)).toThrow('burst must be at least 1, but is 0')
  })
})
