import { describe, expect, it } from 'vitest'
import type { DecisionOutput } from '../../../contract/decision.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { decide } from '../../../core-wasm/decision.ts'
import { decideSlow } from '../../../core-wasm/decision-oracle.ts'
import { randomInput } from './decision-inputs.ts'

const SEED = 314_159
const ROUNDS = 300_000
const core = loadCore()

describe(`the Wasm rule table (seed ${SEED})`, () => {
  it(`decides as the oracle on ${ROUNDS} inputs, by every rule and guard`, () => {
    const random = seededRandom(SEED)
    const seen = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const input = randomInput(random)
      const fast = decide(core, input)
      const slow = decideSlow(input)
      if (!same(fast, slow)) expect(fast, JSON.stringify(input)).toEqual(slow)
      const kind = `${fast.rule} ${fast.guard}`
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
    }
    const changes = ['surge-loose', 'anomaly-loose', 'calm-hybrid', 'surge-hybrid', 'calm-tight']
    const kinds = changes.flatMap((rule) =>
      ['none', 'dwell', 'rate', 'autonomy'].map((guard) => `${rule} ${guard}`),
    )
    const crashes = ['crash', 'crash-tight'].flatMap((rule) => [`${rule} none`, `${rule} autonomy`])
    expect([...seen.keys()].sort()).toEqual([...kinds, ...crashes, 'steady none'].sort())
    expect(Math.min(...seen.values())).toBeGreaterThan(50)
  })

  it('only ever adds bits by surge and anomaly, removes them by calm, and those of the crashed by a crash', () => {
    const random = seededRandom(SEED + 1)
    for (let round = 0; round < 50_000; round++) {
      const input = randomInput(random)
      const { rule, proposed } = decide(core, input)
      const before = input.vector & input.loosable
      if (rule === 'steady') expect(proposed).toBe(input.vector)
      else if (rule.startsWith('crash')) {
        const gone = before & ~proposed
        expect([gone, proposed === before]).toEqual([input.crashed & before, false])
        if (rule === 'crash-tight') expect(proposed).toBe((input.vector & ~gone) >>> 0)
      } else if (rule.startsWith('calm'))
        expect([proposed & ~before, proposed === before]).toEqual([0, false])
      else expect([before & ~proposed, proposed === before]).toEqual([0, false])
    }
  })

  it('never goes down while the forecast alone is low: measured traffic must have been', () => {
    const random = seededRandom(SEED + 2)
    for (let round = 0; round < 50_000; round++) {
      const input = randomInput(random)
      const { rule } = decide(core, { ...input, predictedRps: 0 })
      if (rule === 'calm-hybrid') expect(input.measuredRps).toBeLessThan(input.thresholds.looseLeaveRps)
      if (rule === 'calm-tight') expect(input.measuredRps).toBeLessThan(input.thresholds.hybridLeaveRps)
    }
  })
})

function same(a: DecisionOutput, b: DecisionOutput): boolean {
  return (
    a.vector === b.vector &&
    a.proposed === b.proposed &&
    a.rule === b.rule &&
    a.guard === b.guard &&
    a.state.modeSinceMs === b.state.modeSinceMs &&
    a.state.belowLooseSinceMs === b.state.belowLooseSinceMs &&
    a.state.belowHybridSinceMs === b.state.belowHybridSinceMs &&
    a.state.anomalySinceMs === b.state.anomalySinceMs
  )
}
