import { describe, expect, it } from 'vitest'
import {
  type DecisionInput,
  type DecisionOutput,
  type Guard,
  initialDecisionState,
  type Rule,
} from '../../../contract/decision.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { decide } from '../../../core-wasm/decision.ts'
import { decideSlow } from '../../../core-wasm/decision-oracle.ts'
import { quiet } from './decision-inputs.ts'

const core = loadCore()

/** Decides by both; they must agree. */
function both(input: DecisionInput): DecisionOutput {
  const fast = decide(core, input)
  expect(fast).toEqual(decideSlow(input))
  return fast
}

function expectRule(input: DecisionInput, rule: Rule, vector: number, guard: Guard = 'none'): void {
  const output = both(input)
  expect([output.rule, output.guard, output.proposed]).toEqual([rule, guard, vector])
  const moved = rule !== 'steady' && guard === 'none'
  expect(output.vector).toBe(moved ? vector : input.vector)
  expect(output.state.modeSinceMs).toBe(moved ? input.nowMs : input.state.modeSinceMs)
}

const NOW = 3_600_000
const LOOSE = 0b111
const HYBRID = 0b010

describe('steady', () => {
  it('keeps the vector when nothing calls for a change', () => {
    expectRule(quiet(), 'steady', 0)
    expectRule(quiet({ vector: HYBRID }), 'steady', HYBRID)
    expectRule(quiet({ vector: LOOSE, measuredRps: 4500 }), 'steady', LOOSE)
  })

  it('asks for nothing by a forecast, a score or a rate that is missing', () => {
    expectRule(quiet({ predictedRps: Number.NaN, anomalyScore: Number.NaN }), 'steady', 0)
    expectRule(quiet({ measuredRps: Number.NaN, predictedRps: 9000 }), 'steady', 0)
  })

  it('moves nothing where no module can be loose', () => {
    expectRule(quiet({ loosable: 0, measuredRps: 9000, crashed: 7 }), 'steady', 0)
  })
})

describe('crash', () => {
  it('goes straight to LOOSE, past dwell and rate', () => {
    const state = { modeSinceMs: NOW }
    expectRule(quiet({ crashed: 0b001, transitionsLastHour: 99, state }), 'crash', LOOSE)
    expectRule(quiet({ crashed: 0b001, vector: HYBRID }), 'crash', LOOSE)
  })

  it('needs autonomy 3', () => {
    expectRule(quiet({ crashed: 1, autonomyLevel: 2 }), 'crash', LOOSE, 'autonomy')
  })

  it('of a module that cannot be loose moves nothing', () => {
    expectRule(quiet({ crashed: 0b1000, vector: HYBRID }), 'steady', HYBRID)
    expectRule(quiet({ crashed: 0b1000 }), 'steady', 0)
  })

  it('comes before a surge', () => {
    expectRule(quiet({ crashed: 1, measuredRps: 9000 }), 'crash', LOOSE)
  })
})

describe('crash-tight', () => {
  it('takes back the modules that crashed where they are loose, and no other, past dwell and rate', () => {
    const state = { modeSinceMs: NOW }
    expectRule(quiet({ crashed: 0b010, vector: HYBRID, transitionsLastHour: 99, state }), 'crash-tight', 0)
    expectRule(quiet({ crashed: 0b101, vector: LOOSE, measuredRps: 9000, state }), 'crash-tight', 0b010)
  })

  it('needs autonomy 3', () => {
    expectRule(quiet({ crashed: 1, vector: LOOSE, autonomyLevel: 2 }), 'crash-tight', 0b110, 'autonomy')
  })

  it('gives way to a crash of a tight module, which leaves out the loose that crashed', () => {
    expectRule(quiet({ crashed: 0b011, vector: HYBRID }), 'crash', 0b101)
  })

  it('is undone by the load only when the dwell time is over', () => {
    const back = both(quiet({ crashed: 0b010, vector: LOOSE, measuredRps: 9000 }))
    const later = (ms: number) =>
      quiet({ nowMs: NOW + ms, vector: back.vector, measuredRps: 9000, state: back.state })
    expectRule(later(59_999), 'surge-loose', LOOSE, 'dwell')
    expectRule(later(60_000), 'surge-loose', LOOSE)
  })
})

describe('surge-loose', () => {
  it('acts above looseEnterRps, measured or predicted, not at it', () => {
    expectRule(quiet({ measuredRps: 5000, vector: HYBRID }), 'steady', HYBRID)
    expectRule(quiet({ measuredRps: 5001 }), 'surge-loose', LOOSE)
    expectRule(quiet({ predictedRps: 5000, vector: HYBRID }), 'steady', HYBRID)
    expectRule(quiet({ predictedRps: 5001, vector: HYBRID }), 'surge-loose', LOOSE)
    expectRule(quiet({ measuredRps: 5001, predictedRps: Number.NaN }), 'surge-loose', LOOSE)
  })

  it('keeps LOOSE as long as it lasts, however calm the measured traffic', () => {
    const state = { belowLooseSinceMs: 0, belowHybridSinceMs: 0 }
    expectRule(quiet({ vector: LOOSE, predictedRps: 5001, measuredRps: 10, state }), 'steady', LOOSE)
  })
})

describe('anomaly-loose', () => {
  const since = (ms: number) => ({ anomalySinceMs: NOW - ms })

  it('acts when the score has been above anomalyLoose for anomalyForMs', () => {
    expectRule(quiet({ anomalyScore: 0.86, state: since(9_999) }), 'steady', 0)
    expectRule(quiet({ anomalyScore: 0.86, state: since(10_000) }), 'anomaly-loose', LOOSE)
  })

  it('starts anew when the score falls to the threshold in between', () => {
    const calm = both(quiet({ anomalyScore: 0.85, state: since(9_000) }))
    expect(calm.state.anomalySinceMs).toBe(-1)
    const again = both(quiet({ anomalyScore: 0.86, state: calm.state }))
    expect(again.state.anomalySinceMs).toBe(NOW)
    expect(again.rule).toBe('steady')
  })

  it('keeps LOOSE as long as it lasts', () => {
    const state = { ...since(10_000), belowLooseSinceMs: 0 }
    expectRule(quiet({ vector: LOOSE, anomalyScore: 0.86, state }), 'steady', LOOSE)
    expectRule(quiet({ vector: LOOSE, anomalyScore: 0.85, state }), 'calm-hybrid', HYBRID)
  })
})

describe('calm-hybrid', () => {
  const calm = (ms: number) => ({ belowLooseSinceMs: NOW - ms })
  const loose = { vector: LOOSE, measuredRps: 3999 }

  it('acts after leaveAfterMs below looseLeaveRps', () => {
    expectRule(quiet({ ...loose, state: calm(299_999) }), 'steady', LOOSE)
    expectRule(quiet({ ...loose, state: calm(300_000) }), 'calm-hybrid', HYBRID)
  })

  it('starts anew at looseLeaveRps', () => {
    expectRule(quiet({ ...loose, measuredRps: 4000, state: calm(900_000) }), 'steady', LOOSE)
    expect(both(quiet({ ...loose, measuredRps: 4000, state: calm(1) })).state.belowLooseSinceMs).toBe(-1)
  })

  it('counts from the last change of vector when that was later', () => {
    const state = (ms: number) => ({ ...calm(900_000), modeSinceMs: NOW - ms })
    expectRule(quiet({ ...loose, state: state(299_999) }), 'steady', LOOSE)
    expectRule(quiet({ ...loose, state: state(300_000) }), 'calm-hybrid', HYBRID)
  })

  it('goes to TIGHT where the hybrid set is empty', () => {
    expectRule(quiet({ ...loose, hybrid: 0, state: calm(300_000) }), 'calm-hybrid', 0)
    expectRule(quiet({ ...loose, hybrid: 0b1000, state: calm(300_000) }), 'calm-hybrid', 0)
  })

  it('leaves it to calm-tight where the hybrid set is everything', () => {
    const state = { ...calm(900_000), belowHybridSinceMs: NOW - 300_001 }
    expectRule(quiet({ ...loose, hybrid: LOOSE, state: calm(900_000) }), 'steady', LOOSE)
    expectRule(quiet({ ...loose, measuredRps: 799, hybrid: LOOSE, state }), 'calm-tight', 0)
  })
})

describe('surge-hybrid', () => {
  it('acts above hybridEnterRps, measured or predicted, not at it', () => {
    expectRule(quiet({ measuredRps: 1000, predictedRps: 1000 }), 'steady', 0)
    expectRule(quiet({ measuredRps: 1001 }), 'surge-hybrid', HYBRID)
    expectRule(quiet({ predictedRps: 1001 }), 'surge-hybrid', HYBRID)
  })

  it('does nothing where the hybrid set is empty, or the mode not TIGHT', () => {
    expectRule(quiet({ measuredRps: 1001, hybrid: 0 }), 'steady', 0)
    expectRule(quiet({ measuredRps: 1001, vector: 0b100 }), 'steady', 0b100)
  })
})

describe('calm-tight', () => {
  const calm = (ms: number) => ({ belowHybridSinceMs: NOW - ms })
  const low = { vector: HYBRID, measuredRps: 799, predictedRps: 799 }

  it('acts after more than leaveAfterMs below hybridLeaveRps', () => {
    expectRule(quiet({ ...low, state: calm(300_000) }), 'steady', HYBRID)
    expectRule(quiet({ ...low, state: calm(300_001) }), 'calm-tight', 0)
  })

  it('starts anew at hybridLeaveRps', () => {
    expectRule(quiet({ ...low, measuredRps: 800, state: calm(900_000) }), 'steady', HYBRID)
    expect(both(quiet({ ...low, measuredRps: 800, state: calm(1) })).state.belowHybridSinceMs).toBe(-1)
  })

  it('waits while the forecast is above hybridEnterRps', () => {
    expectRule(quiet({ ...low, predictedRps: 1001, state: calm(900_000) }), 'steady', HYBRID)
    expectRule(quiet({ ...low, predictedRps: 1000, state: calm(900_000) }), 'calm-tight', 0)
  })

  it('counts from the last change of vector when that was later', () => {
    const state = (ms: number) => ({ ...calm(900_000), modeSinceMs: NOW - ms })
    expectRule(quiet({ ...low, state: state(300_000) }), 'steady', HYBRID)
    expectRule(quiet({ ...low, state: state(300_001) }), 'calm-tight', 0)
  })
})

describe('guards', () => {
  const surge = { measuredRps: 5001 }
  const calm = { vector: HYBRID, measuredRps: 10, predictedRps: 10, thresholds: { leaveAfterMs: 0 } }

  it('hold a change back below autonomy 3', () => {
    expectRule(quiet({ ...surge, autonomyLevel: 2 }), 'surge-loose', LOOSE, 'autonomy')
    expectRule(quiet({ ...surge, autonomyLevel: 4 }), 'surge-loose', LOOSE)
  })

  it('hold a change back within minDwellMs of the last, up and down', () => {
    const state = (ms: number) => ({ modeSinceMs: NOW - ms, belowHybridSinceMs: 0 })
    expectRule(quiet({ ...surge, state: state(59_999) }), 'surge-loose', LOOSE, 'dwell')
    expectRule(quiet({ ...surge, state: state(60_000) }), 'surge-loose', LOOSE)
    expectRule(quiet({ ...calm, state: state(59_999) }), 'calm-tight', 0, 'dwell')
    expectRule(quiet({ ...calm, state: state(60_000) }), 'calm-tight', 0)
  })

  it('hold a change back at maxTransitionsPerHour', () => {
    expectRule(quiet({ ...surge, transitionsLastHour: 12 }), 'surge-loose', LOOSE, 'rate')
    expectRule(quiet({ ...surge, transitionsLastHour: 11 }), 'surge-loose', LOOSE)
  })

  it('are told in the order autonomy, dwell, rate', () => {
    const all = { ...surge, autonomyLevel: 0, transitionsLastHour: 99, state: { modeSinceMs: NOW } }
    expectRule(quiet(all), 'surge-loose', LOOSE, 'autonomy')
    expectRule(quiet({ ...all, autonomyLevel: 3 }), 'surge-loose', LOOSE, 'dwell')
  })
})

describe('hysteresis', () => {
  it('takes a memory from the future, as after a clock that went back, as of now', () => {
    const later = NOW + 5
    const state = {
      modeSinceMs: later,
      belowLooseSinceMs: later,
      belowHybridSinceMs: later,
      anomalySinceMs: later,
    }
    expect(both(quiet({ measuredRps: 10, anomalyScore: 1, state })).state).toEqual({
      modeSinceMs: NOW,
      belowLooseSinceMs: NOW,
      belowHybridSinceMs: NOW,
      anomalySinceMs: NOW,
    })
  })

  it('goes up ahead of a surge and back down in two calm steps, without flapping', () => {
    const moves: [minute: number, rule: Rule, vector: number][] = []
    let state = initialDecisionState(0)
    let vector = 0
    for (let nowMs = 0; nowMs <= 120 * 60_000; nowMs += 1000) {
      const minute = nowMs / 60_000
      const rps = (at: number) => 500 + 6000 * Math.exp(-(((at - 45) / 10) ** 2))
      const measuredRps = rps(minute) * (1 + 0.05 * Math.sin(nowMs / 7000))
      const output = both(quiet({ nowMs, vector, measuredRps, predictedRps: rps(minute + 5), state }))
      if (output.vector !== vector) moves.push([minute, output.rule, output.vector])
      state = output.state
      vector = output.vector
    }
    expect(moves.map(([, rule]) => rule)).toEqual([
      'surge-hybrid',
      'surge-loose',
      'calm-hybrid',
      'calm-tight',
    ])
    const [up, loose, down, tight] = moves.map(([minute]) => minute)
    // 1000 rps at minute 29.2, 5000 at 39.6; back below 4000 at 50.5 and below 800 at 62.8
    expect(up).toBeLessThan(25)
    expect(loose).toBeLessThan(35)
    expect(down).toBeGreaterThan(55)
    expect(tight).toBeGreaterThan(66)
  })
})
