import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { DeadlineKeeper } from '../../../edge/pipeline/deadline-keeper.ts'
import { FakeTime } from './fake-time.ts'

describe('DeadlineKeeper', () => {
  it('wakes each request at its deadline, none early, and those that are dropped never', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed)
      const time = new FakeTime()
      const keeper = new DeadlineKeeper(time)
      const woken = new Map<number, number>()
      const due = new Map<number, number>()
      for (let id = 0; id < 200; id++) {
        await time.advance(Math.floor(random.next() * 40))
        if (keeper.due(time.now)) keeper.start(time.now)
        const atMs = time.now + Math.floor(random.next() * 3000)
        const kept = keeper.keep(atMs, (expired) => {
          expect(expired, `seed ${seed}`).toBe(true)
          woken.set(id, time.now)
        })
        if (kept === null) continue
        if (random.next() < 0.5) keeper.drop(kept)
        else due.set(id, atMs)
      }
      await time.advance(10_000)
      expect([...woken.keys()].sort(), `seed ${seed}`).toEqual([...due.keys()].sort())
      for (const [id, atMs] of due) expect(woken.get(id), `seed ${seed}`).toBe(atMs)
      expect(keeper.size).toBe(0)
    }
  })

  it('does not take a deadline before it wakes, nor any while it does not run', () => {
    const time = new FakeTime()
    const keeper = new DeadlineKeeper(time)
    expect(keeper.keep(time.now + 5000, () => {})).toBeNull()
    keeper.start(time.now)
    expect(keeper.keep(time.now + 100, () => {})).toBeNull()
    expect(keeper.keep(time.now + 5000, () => {})).not.toBeNull()
  })

  it('hands back what still waits when it ends after 15 s', async () => {
    const time = new FakeTime()
    const keeper = new DeadlineKeeper(time)
    const task = keeper.start(time.now)
    const woken: boolean[] = []
    keeper.keep(time.now + 60_000, (expired) => woken.push(expired))
    await time.advance(16_000)
    await task
    expect(woken).toEqual([false])
    expect(keeper.due(time.now)).toBe(true)
  })

  it('is replaced when its context has died without a word', async () => {
    const time = new FakeTime()
    const dead = new DeadlineKeeper({ wallMs: time.wallMs, sleep: () => new Promise(() => {}) })
    dead.start(time.now)
    expect(dead.due(time.now + 1000)).toBe(false)
    expect(dead.due(time.now + 1250)).toBe(true)
  })
})
