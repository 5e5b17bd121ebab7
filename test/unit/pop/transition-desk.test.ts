import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import type { Verdict } from '../../../edge/pop/decision-desk.ts'
import type { Readiness } from '../../../edge/pop/preflight.ts'
import { TransitionDesk } from '../../../edge/pop/transition-desk.ts'

const READY: Readiness = { unready: 0, why: '' }

function verdict(vector: number, { current = 0, version = 1, rule = 'surge-hybrid' } = {}): Verdict {
  return {
    output: { vector, proposed: vector, rule, guard: 'none' },
    sight: { table: { vector: current, version } },
  } as unknown as Verdict
}

function scene() {
  const checks: ((readiness: Readiness) => void)[] = []
  const done: string[] = []
  const clock = { ms: 0 }
  const desk = new TransitionDesk({
    preflight: () => new Promise((resolve) => checks.push(resolve)),
    commit: ({ output }, why) => done.push(`commit ${output.vector} ${why}`.trimEnd()),
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
    checks[0]?.(READY)
    await first
    expect(done).toEqual(['commit 1'])
  })

  it('drops a proposal that is no longer made', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    await desk.propose(verdict(0))
    checks[0]?.(READY)
    await first
    expect(done).toEqual([])
  })

  it('lets another proposal take the place of the one that waits', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    const second = desk.propose(verdict(3))
    checks[0]?.(READY)
    checks[1]?.(READY)
    await Promise.all([first, second])
    expect(done).toEqual(['commit 3'])
  })

  it('drops a preflight made under a table that was replaced', async () => {
    const { desk, checks, done } = scene()
    const first = desk.propose(verdict(1))
    const second = desk.propose(verdict(1, { version: 2 }))
    checks[0]?.({ unready: 1, why: 'the old target is down' })
    await first
    expect(done).toEqual([])
    checks[1]?.(READY)
    await second
    expect(done).toEqual(['commit 1'])
  })

  it('commits what is ready, and tries the rest again later', async () => {
    const { desk, checks, done, clock } = scene()
    const first = desk.propose(verdict(0b110, { current: 0b001 }))
    checks[0]?.({ unready: 0b011, why: 'b is down' })
    await first
    expect(done).toEqual(['commit 5 b is down'])
    const rest = verdict(0b110, { current: 0b101, version: 2 })
    await desk.propose(rest)
    expect(checks).toHaveLength(1)
    clock.ms = 2001
    const second = desk.propose(rest)
    checks[1]?.(READY)
    await second
    expect(done[1]).toBe('commit 6')
  })

  it('does not let a crash wait for what another rule was refused', async () => {
    const { desk, checks } = scene()
    const first = desk.propose(verdict(1))
    checks[0]?.({ unready: 1, why: 'down' })
    await first
    void desk.propose(verdict(1, { rule: 'crash' }))
    expect(checks).toHaveLength(2)
  })

  it('tries a refused proposal again with growing waits of at most ten seconds', async () => {
    const { desk, checks, done, clock } = scene()
    const tries: number[] = []
    for (; clock.ms < 60_000; clock.ms += 500) {
      const settled = desk.propose(verdict(1))
      if (checks.length > tries.length) tries.push(clock.ms)
      checks.at(-1)?.({ unready: -1, why: 'down' })
      await settled
    }
    const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
    expect(gaps[0]).toBeGreaterThanOrEqual(1000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_500)
    expect(gaps.at(-1)).toBeGreaterThan(gaps[0] ?? 0)
    expect(done.every((what) => what === 'refuse 1: down')).toBe(true)
  })
})
