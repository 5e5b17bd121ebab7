import { describe, expect, it } from 'vitest'
import { explain } from '../../../central/explain/explain.ts'
import { GUARDS, RULES } from '../../../contract/decision.ts'
import { decision } from './messages.ts'

describe('explain', () => {
  it('says rule, inputs, thresholds, age of the forecast, policy version and what would have changed it', () => {
    expect(explain(decision('fra1', 1))).toEqual({
      summary: 'PoP fra1 went from TIGHT to LOOSE because a large surge was under way or ahead.',
      why: 'Rule "surge-loose": the predicted load of 6,000 rps is above looseEnterRps (5,000 rps).',
      guard: null,
      inputs: [
        'measured 4,000 rps',
        'forecast for +5 min 6,000 rps, 30 s old',
        'anomaly score 0.20',
        'policy version 3',
        'loose: cart',
      ],
      counterfactual:
        'A load of 5,000 rps or less, 1,000 rps lower than it was, would have left the mode as it was.',
    })
  })

  it('says what held a decision back', () => {
    const held = explain(decision('fra1', 1, { outcome: 'held', guard: 'dwell', to: 'LOOSE' }))
    expect(held.summary).toContain('but that was held back')
    expect(held.guard).toBe('Held back: the mode had not stood for its dwell time of 60 s.')
  })

  it('says which modules stayed when only a part could move', () => {
    const detail = 'a tight module cannot be reached; stays: cart at http://c/healthz: refused'
    const part = explain(decision('fra1', 1, { rule: 'crash', detail }))
    expect(part.guard).toBe(
      'The preflight let only a part of the modules move (left behind: cart at http://c/healthz: refused).',
    )
  })

  it('is reactive in words when there was no forecast', () => {
    const reactive = explain(
      decision('fra1', 1, { predictedRps: null, measuredRps: 6_000, forecastAgeMs: null }),
    )
    expect(reactive.why).toContain('measured load of 6,000 rps')
    expect(reactive.inputs).toContain('no forecast to trust: the rule was reactive')
  })

  it('has words for every rule, guard and outcome, even when thresholds are missing', () => {
    for (const rule of RULES)
      for (const guard of GUARDS)
        for (const outcome of ['applied', 'held', 'refused'] as const) {
          const text = JSON.stringify(explain(decision('p', 1, { rule, guard, outcome, thresholds: {} })))
          expect(text).not.toMatch(/undefined|NaN|Infinity/)
        }
  })
})
