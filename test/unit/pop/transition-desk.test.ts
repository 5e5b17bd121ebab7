import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import type { Verdict } from '../../../edge/pop/decision-desk.ts'
import { TransitionDesk } from '../../../edge/pop/transition-desk.ts'

function verdict(vector: number, { current = 0, version = 1 } = {}): Verdict {
  return {
    output: { vector, proposed: vector, rule: 'surge-hybrid', guard: 'none' },
    sight: { table: { vector: current, version } },
  } as unknown as Verdict
}

function scene() {
  const checks: ((why: string | null) => void)[] = []
  const done: string[] = []
  const clock = { ms: 0 }
  const desk = new TransitionDesk({
    preflight: () => new Promise((resolve) => checks.push(resolve)),
    commit: ({ output }) => done.push(`commit ${output.vector}`),
    refuse: ({ output }, why) => done.push(`refuse ${output.vector}: ${why}`),
    wallMs: () => clock.ms,
    random: seededRandom(3),
  })
  return { desk, checks, done, clock }
}

describe('TransitionDesk', () => {
  it('commits only when the preflight is in, however many ticks that takes', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    await desk.propose(verdict(1))
    await desk.propose(verdict(1))
    expect(checks).toHaveLength(1)
    expect(done).toEqual([])
    checks[0]?.(null)
    await first
    expect(done).toEqual(['commit 1'])
  })

  it('drops a proposal that is no longer made', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    await desk.propose(verdict(0))
    checks[0]?.(null)
    await first
    expect(done).toEqual([])
  })

  it('lets another proposal take the place of the one that waits', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    const second = desk.propose(verdict(3))
    checks[0]?.(null)
    checks[1]?.(null)
    await Promise.all([first, second])
    expect(done).toEqual(['commit 3'])
  })

  it('drops a preflight made under a table that was replaced', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    const second = desk.propose(verdict(1, { version: 2 }))
    checks[0]?.('the old target is down')
    await first
    expect(done).toEqual([])
    checks[1]?.(null)
    await second
    expect(done).toEqual(['commit 1'])
  })

  it('tries a refused proposal again with growing waits of at most ten seconds', async () => {
    const { desk, checks, done, clock } = scene()
    const tries: number[] = []
    for (; clock.ms < 60_000; clock.ms += 500) {
      const settled = desk.propose(verdict(1))
      if (checks.length > tries.length) tries.push(clock.ms)
      checks.at(-1)?.('down')
      await settled
    }
    const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
    expect(gaps[0]).toBeGreaterThanOrEqual(1000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_500)
    expect(gaps.at(-1)).toBeGreaterThan(gaps[0] ?? 0)
    expect(done.every((what) => what === 'refuse 1: down')).toBe(true)
  })
})
