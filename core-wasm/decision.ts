import { type DecisionInput, type DecisionOutput, GUARDS, RULES } from '../contract/decision.ts'
import type { Core } from './core.ts'

/**
 * The rule table of contract/decision.ts, in Wasm, in a few µs at most. Pure: state in, state out; `nowMs` is 0 or more.
 *
 * A crashed tight module sends every module that can be loose to its loose target, but for those that crashed there;
 * otherwise crashed loose modules, and they alone, go back to their tight targets. What asked for LOOSE asks again when the
 * dwell time is over; whether the target answers is for the preflight to say.
 *
 * The load is the larger of measured and predicted. Precedence: an active crash; then, while the load is above
 * looseEnterRps or the anomaly lasts, LOOSE and nothing looser or tighter; then LOOSE to the hybrid set after a calm; then,
 * while the load is above hybridEnterRps, TIGHT to the hybrid set and nothing tighter; then to TIGHT after a calm.
 * A calm counts from the later of the fall below its threshold and the last change of vector. A missing forecast or score (NaN)
 * asks for nothing. Where no module, or every module, is in the hybrid set there is no HYBRID to stop at: LOOSE goes to
 * TIGHT, by `calm-hybrid` in the first case and by `calm-tight` in the second.
 *
 * Guards hold a change back in the order autonomy (below 3 ATLAS does nothing by itself), dwell, rate; a crash only
 * knows the first. Bits of `vector` and `hybrid` outside `loosable` ask for nothing and stay until a change removes them.
 */
export function decide(core: Core, input: DecisionInput): DecisionOutput {
  const { f64, u32, pointer } = core.decision
  const { thresholds, state } = input
  f64[0] = input.nowMs
  f64[1] = input.measuredRps
  f64[2] = input.predictedRps
  f64[3] = input.anomalyScore
  f64[4] = thresholds.looseEnterRps
  f64[5] = thresholds.looseLeaveRps
  f64[6] = thresholds.hybridEnterRps
  f64[7] = thresholds.hybridLeaveRps
  f64[8] = thresholds.leaveAfterMs
  f64[9] = thresholds.anomalyLoose
  f64[10] = thresholds.anomalyForMs
  f64[11] = thresholds.minDwellMs
  f64[12] = thresholds.maxTransitionsPerHour
  f64[13] = input.autonomyLevel
  f64[14] = input.transitionsLastHour
  f64[15] = state.modeSinceMs
  f64[16] = state.belowLooseSinceMs
  f64[17] = state.belowHybridSinceMs
  f64[18] = state.anomalySinceMs
  u32[38] = input.crashed
  u32[39] = input.vector
  u32[40] = input.loosable
  u32[41] = input.hybrid

  core.exports.decisionRun(pointer)

  const verdict = u32[43] ?? 0
  return {
    vector: u32[39] ?? 0,
    proposed: u32[42] ?? 0,
    rule: RULES[verdict & 0xff] ?? 'steady',
    guard: GUARDS[verdict >>> 8] ?? 'none',
    state: {
      modeSinceMs: f64[15],
      belowLooseSinceMs: f64[16],
      belowHybridSinceMs: f64[17],
      anomalySinceMs: f64[18],
    },
  }
}
