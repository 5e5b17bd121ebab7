/** The rules of the rule table, in the order of their precedence. */
export const RULES = [
  'crash', // an active crash of a tight module: straight to LOOSE
  'crash-tight', // an active crash of a loose module: that module, and no other, back to its tight target
  'surge-loose', // predicted or measured load above looseEnterRps: LOOSE
  'anomaly-loose', // calibrated anomaly score above the threshold for long enough: LOOSE
  'calm-hybrid', // LOOSE, measured below looseLeaveRps for leaveAfterMs: HYBRID
  'surge-hybrid', // predicted or measured load above hybridEnterRps: HYBRID
  'calm-tight', // HYBRID, measured below hybridLeaveRps for leaveAfterMs: TIGHT
  'steady', // nothing calls for a change
] as const
export type Rule = (typeof RULES)[number]

/** What kept a rule's proposal from being followed. */
export const GUARDS = ['none', 'dwell', 'rate', 'autonomy'] as const
export type Guard = (typeof GUARDS)[number]

/** Thresholds of the rule table; times in trace milliseconds, rates in requests a second of the region. */
export interface DecisionThresholds {
  readonly looseEnterRps: number
  readonly looseLeaveRps: number
  readonly hybridEnterRps: number
  readonly hybridLeaveRps: number
  readonly leaveAfterMs: number
  readonly anomalyLoose: number
  readonly anomalyForMs: number
  readonly minDwellMs: number
  readonly maxTransitionsPerHour: number
}

/** What hysteresis remembers between decisions. -1 = not running. All in trace milliseconds. */
export interface DecisionState {
  readonly modeSinceMs: number
  readonly belowLooseSinceMs: number
  readonly belowHybridSinceMs: number
  readonly anomalySinceMs: number
}

export interface DecisionInput {
  readonly nowMs: number
  readonly measuredRps: number
  /** Predicted requests a second at +5 min; NaN when there is no forecast to trust (reactive rule). */
  readonly predictedRps: number
  /** Calibrated anomaly score 0..1; NaN when there is none. */
  readonly anomalyScore: number
  /** Bit i: module i's current target is crashed. */
  readonly crashed: number
  readonly vector: number
  /** Bit i: module i has a contract and a loose target. */
  readonly loosable: number
  /** Bit i: module i is broken out in HYBRID. A subset of loosable. */
  readonly hybrid: number
  readonly autonomyLevel: number
  readonly transitionsLastHour: number
  readonly thresholds: DecisionThresholds
  readonly state: DecisionState
}

export interface DecisionOutput {
  /** The vector to move to; equal to the input's vector when nothing is to change. */
  readonly vector: number
  /** The vector the winning rule asked for, before guards. */
  readonly proposed: number
  readonly rule: Rule
  readonly guard: Guard
  readonly state: DecisionState
}

/** Initial memory of the rule table. */
export function initialDecisionState(nowMs: number): DecisionState {
  return { modeSinceMs: nowMs, belowLooseSinceMs: -1, belowHybridSinceMs: -1, anomalySinceMs: -1 }
}
