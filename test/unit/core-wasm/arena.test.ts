import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { Arena } from '../../../core-wasm/arena.ts'
import { integer } from './values.ts'

const SEED = 5

describe('Arena', () => {
  it(`never gives out what is taken, and is whole again when all is back (seed ${SEED})`, () => {
    const random = seededRandom(SEED)
    const arena = new Arena(1001, 9999)
    const whole = arena.largest
    const taken = new Map<number, number>()
    for (let step = 0; step < 5000; step++) {
      const [oldest] = taken.keys()
      if (oldest !== undefined && random.next() < 0.5) {
        arena.release(oldest)
        taken.delete(oldest)
        continue
      }
      const bytes = integer(random, 0, 900)
      if (arena.largest < Math.max(16, bytes + 15)) continue
      const at = arena.take(bytes)
      expect(at % 16).toBe(0)
      expect(at).toBeGreaterThanOrEqual(1001)
      expect(at + bytes).toBeLessThanOrEqual(9999)
      for (const [other, length] of taken) expect(at + bytes <= other || other + length <= at).toBe(true)
      taken.set(at, Math.max(1, bytes))
    }
    for (const at of taken.keys()) arena.release(at)
    expect(arena.largest).toBe(whole)
  })

  it('says how much is missing, and ignores what is given back twice', () => {
    const arena = new Arena(0, 64)
    const at = arena.take(32)
    expect(() => arena.take(48)).toThrow('48 bytes needed, the largest free stretch has 32')
    arena.release(at)
    arena.release(at)
    arena.release(7)
    expect(arena.largest).toBe(64)
  })
})
