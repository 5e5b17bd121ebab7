import type { Rule } from '../../contract/decision.ts'
import type { DecisionMessage } from '../../contract/messages.ts'

/** A decision in words. */
export interface Explanation {
  /** What happened, in one sentence. */
  readonly summary: string
  /** Why the rule spoke: the numbers it compared. */
  readonly why: string
  /** What the guard or the preflight did to it; null when nothing stood in the way. */
  readonly guard: string | null
  readonly inputs: readonly string[]
  /** The nearest change of an input that would have led elsewhere. */
  readonly counterfactual: string
}

/** Says why a decision was made, and what would have changed it, from what the PoP wrote down at that moment. */
export function explain(decision: DecisionMessage): Explanation {
  return {
    summary: summaryOf(decision),
    why: whyOf(decision),
    guard: guardOf(decision),
    inputs: inputsOf(decision),
    counterfactual: counterfactualOf(decision),
  }
}

const RULE_WORDS: Record<Rule, string> = {
  crash: 'a module it depended on had crashed',
  'crash-tight': 'the service of a loose module had crashed',
  'surge-loose': 'a large surge was under way or ahead',
  'anomaly-loose': 'traffic looked abnormal for too long',
  'calm-hybrid': 'the large surge was over',
  'surge-hybrid': 'load was rising',
  'calm-tight': 'load had been low for long enough',
  steady: 'nothing called for a change',
}

function summaryOf(decision: DecisionMessage): string {
  const { pop, from, to, rule, outcome } = decision
  const because = RULE_WORDS[rule]
  if (outcome === 'applied' && from !== to) return `PoP ${pop} went from ${from} to ${to} because ${because}.`
  if (outcome === 'applied') return `PoP ${pop} changed its modules within ${to} because ${because}.`
  const verb = outcome === 'held' ? 'held back' : 'refused'
  return `PoP ${pop} wanted to go from ${from} to ${to} because ${because}, but that was ${verb}.`
}

/** The load the rules compare: the larger of measured and predicted. */
function loadOf(decision: DecisionMessage): number {
  return Math.max(decision.measuredRps, decision.predictedRps ?? Number.NEGATIVE_INFINITY)
}

function whyOf(decision: DecisionMessage): string {
  const { rule, measuredRps, anomalyScore } = decision
  const limit = (name: string) => `${name} (${rps(decision.thresholds[name])})`
  const load = `${loadOf(decision) > measuredRps ? 'predicted' : 'measured'} load of ${rps(loadOf(decision))}`
  const waited = time(decision.thresholds.leaveAfterMs)
  switch (rule) {
    case 'crash':
      return 'Rule "crash": a tight module failed its probes; this rule waits for no dwell time.'
    case 'crash-tight':
      return 'Rule "crash-tight": a loose module failed its probes, so it goes back to its tight target; this rule waits for no dwell time.'
    case 'surge-loose':
      return `Rule "surge-loose": the ${load} is above ${limit('looseEnterRps')}.`
    case 'surge-hybrid':
      return `Rule "surge-hybrid": the ${load} is above ${limit('hybridEnterRps')}.`
    case 'anomaly-loose':
      return `Rule "anomaly-loose": the anomaly score of ${score(anomalyScore)} was above anomalyLoose (${score(decision.thresholds.anomalyLoose)}) for ${time(decision.thresholds.anomalyForMs)}.`
    case 'calm-hybrid':
      return `Rule "calm-hybrid": the measured load of ${rps(measuredRps)} was below ${limit('looseLeaveRps')} for ${waited}.`
    case 'calm-tight':
      return `Rule "calm-tight": the measured load of ${rps(measuredRps)} was below ${limit('hybridLeaveRps')} for ${waited}.`
    case 'steady':
      return `Rule "steady": the ${load} crossed no threshold.`
  }
}

function guardOf(decision: DecisionMessage): string | null {
  const detail = decision.detail === '' ? '' : ` (${decision.detail})`
  if (decision.outcome === 'refused') return `The preflight refused the move${detail}.`
  switch (decision.guard) {
    case 'none':
      return leftBehind(decision)
    case 'dwell':
      return `Held back: the mode had not stood for its dwell time of ${time(decision.thresholds.minDwellMs)}${detail}.`
    case 'rate':
      return `Held back: ${decision.thresholds.maxTransitionsPerHour ?? 'the most allowed'} changes in one hour is the limit${detail}.`
    case 'autonomy':
      return `Held back: the policy's autonomyLevel is below 3, so ATLAS decides but does not act${detail}.`
  }
}

/** Modules that did not move because their new targets were not ready, by the PoP's words for it. */
function leftBehind({ outcome, detail }: DecisionMessage): string | null {
  const [, why] = detail.split('; stays: ')
  if (outcome !== 'applied' || why === undefined) return null
  return `The preflight let only a part of the modules move (left behind: ${why}).`
}

function inputsOf(decision: DecisionMessage): string[] {
  const { measuredRps, predictedRps, forecastAgeMs, anomalyScore, policyVersion, loose } = decision
  const age = forecastAgeMs === null ? 'age unknown' : `${time(forecastAgeMs)} old`
  return [
    `measured ${rps(measuredRps)}`,
    predictedRps === null
      ? 'no forecast to trust: the rule was reactive'
      : `forecast for +5 min ${rps(predictedRps)}, ${age}`,
    `anomaly score ${score(anomalyScore)}`,
    policyVersion === 0 ? 'bundled default policy' : `policy version ${policyVersion}`,
    loose.length === 0 ? 'no module loose' : `loose: ${loose.join(', ')}`,
  ]
}

function counterfactualOf(decision: DecisionMessage): string {
  const { rule, guard, outcome, thresholds, measuredRps } = decision
  if (outcome === 'refused') return 'Had the preflight passed, the move would have been made.'
  if (guard === 'dwell')
    return `Once the mode has stood for ${time(thresholds.minDwellMs)}, the same inputs make the move.`
  if (guard === 'rate') return 'With one change fewer in the last hour, the move would have been made.'
  if (guard === 'autonomy') return 'With autonomyLevel 3 or 4, the move would have been made.'
  const over = (name: string) =>
    `A load of ${rps(thresholds[name])} or less, ${rps(Math.max(0, loadOf(decision) - (thresholds[name] ?? 0)))} lower than it was, would have left the mode as it was.`
  const under = (name: string) =>
    `Had the measured load come up to ${rps(thresholds[name])}, ${rps(Math.max(0, (thresholds[name] ?? 0) - measuredRps))} more than it was, the mode would have stayed.`
  switch (rule) {
    case 'crash':
    case 'crash-tight':
      return 'Had the module answered its health probes, the mode would have followed the load alone.'
    case 'surge-loose':
      return over('looseEnterRps')
    case 'surge-hybrid':
      return over('hybridEnterRps')
    case 'anomaly-loose':
      return `An anomaly score of ${score(thresholds.anomalyLoose)} or less at any moment of those ${time(thresholds.anomalyForMs)} would have left the mode as it was.`
    case 'calm-hybrid':
      return under('looseLeaveRps')
    case 'calm-tight':
      return under('hybridLeaveRps')
    case 'steady':
      return `A load above ${rps(nextThreshold(decision))} would have changed the mode.`
  }
}

function nextThreshold({ from, thresholds }: DecisionMessage): number | undefined {
  return from === 'TIGHT' ? thresholds.hybridEnterRps : thresholds.looseEnterRps
}

function rps(value: number | undefined): string {
  if (value === undefined) return 'its threshold'
  return `${value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 })} rps`
}

function score(value: number | null | undefined): string {
  return value === null || value === undefined ? 'unknown' : value.toFixed(2)
}

function time(ms: number | undefined): string {
  if (ms === undefined) return 'its time'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`
  return `${Math.round(ms / 6_000) / 10} min`
}
