import { modeOf } from '../contract/coupling.ts'
import type { DecisionInput, DecisionOutput, DecisionState, Guard, Rule } from '../contract/decision.ts'

interface Proposal {
  readonly rule: Rule
  readonly vector: number
}

/** The rule table in plain TypeScript, rule by rule: the test oracle of `decide`, which says what it means. */
export function decideSlow(input: DecisionInput): DecisionOutput {
  const remembered = remember(input)
  const proposal = propose(input, remembered)
  const guard = proposal.rule === 'steady' ? 'none' : guardOf(input, proposal.rule, remembered)
  const moves = proposal.rule !== 'steady' && guard === 'none'
  return {
    vector: moves ? proposal.vector : input.vector,
    proposed: proposal.vector,
    rule: proposal.rule,
    guard,
    state: moves ? { ...remembered, modeSinceMs: input.nowMs } : remembered,
  }
}

function remember({ nowMs, measuredRps, anomalyScore, thresholds, state }: DecisionInput): DecisionState {
  const since = (holds: boolean, start: number): number => {
    if (!holds) return -1
    return start < 0 || start > nowMs ? nowMs : start
  }
  return {
    modeSinceMs: Math.min(state.modeSinceMs, nowMs),
    belowLooseSinceMs: since(measuredRps < thresholds.looseLeaveRps, state.belowLooseSinceMs),
    belowHybridSinceMs: since(measuredRps < thresholds.hybridLeaveRps, state.belowHybridSinceMs),
    anomalySinceMs: since(anomalyScore > thresholds.anomalyLoose, state.anomalySinceMs),
  }
}

function propose(input: DecisionInput, state: DecisionState): Proposal {
  const { nowMs, thresholds, loosable, vector } = input
  const steady: Proposal = { rule: 'steady', vector }
  const hybrid = input.hybrid & loosable
  const mode = modeOf(vector & loosable, loosable)
  const load = Math.max(
    input.measuredRps,
    Number.isNaN(input.predictedRps) ? Number.NEGATIVE_INFINITY : input.predictedRps,
  )
  const calmMs = (since: number): number =>
    since < 0 ? Number.NEGATIVE_INFINITY : nowMs - Math.max(since, state.modeSinceMs)

  const crashedLoose = input.crashed & vector & loosable
  if ((input.crashed & ~vector & loosable) !== 0) return { rule: 'crash', vector: loosable & ~crashedLoose }
  if (crashedLoose !== 0) return { rule: 'crash-tight', vector: (vector & ~crashedLoose) >>> 0 }

  const full = (vector & loosable) === loosable
  if (load > thresholds.looseEnterRps) return full ? steady : { rule: 'surge-loose', vector: loosable }

  const anomalous = state.anomalySinceMs >= 0 && nowMs - state.anomalySinceMs >= thresholds.anomalyForMs
  if (anomalous) return full ? steady : { rule: 'anomaly-loose', vector: loosable }

  if (mode === 'LOOSE' && hybrid !== loosable) {
    return calmMs(state.belowLooseSinceMs) >= thresholds.leaveAfterMs
      ? { rule: 'calm-hybrid', vector: hybrid }
      : steady
  }

  if (load > thresholds.hybridEnterRps) {
    return mode === 'TIGHT' && hybrid !== 0 ? { rule: 'surge-hybrid', vector: hybrid } : steady
  }

  return mode !== 'TIGHT' && calmMs(state.belowHybridSinceMs) > thresholds.leaveAfterMs
    ? { rule: 'calm-tight', vector: 0 }
    : steady
}

function guardOf(input: DecisionInput, rule: Rule, state: DecisionState): Guard {
  const { thresholds } = input
  if (input.autonomyLevel < 3) return 'autonomy'
  if (rule === 'crash' || rule === 'crash-tight') return 'none'
  if (input.nowMs - state.modeSinceMs < thresholds.minDwellMs) return 'dwell'
  return input.transitionsLastHour >= thresholds.maxTransitionsPerHour ? 'rate' : 'none'
}
