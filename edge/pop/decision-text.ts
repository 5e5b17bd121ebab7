import type { Explanation } from './decision-desk.ts'

/** One sentence for people: what the rule saw. */
export function describe(decision: Explanation): string {
  const limits = decision.thresholds
  const measured = `${amount(decision.measuredRps)} requests/s measured`
  const predicted =
    decision.predictedRps === null ? '' : `, ${amount(decision.predictedRps)} predicted in 5 min`
  switch (decision.rule) {
    case 'crash':
      return 'a tight module cannot be reached'
    case 'crash-tight':
      return 'a loose module cannot be reached'
    case 'surge-loose':
      return `${measured}${predicted}, above ${amount(limits.looseEnterRps)}`
    case 'anomaly-loose':
      return `anomaly score ${decision.anomalyScore?.toFixed(2)} above ${limits.anomalyLoose} for ${seconds(limits.anomalyForMs)}`
    case 'calm-hybrid':
      return `${measured}, below ${amount(limits.looseLeaveRps)} for ${seconds(limits.leaveAfterMs)}`
    case 'surge-hybrid':
      return `${measured}${predicted}, above ${amount(limits.hybridEnterRps)}`
    case 'calm-tight':
      return `${measured}, below ${amount(limits.hybridLeaveRps)} for ${seconds(limits.leaveAfterMs)}`
    case 'steady':
      return measured
  }
}

/** Why a guard held the decision back. */
export function describeGuard(decision: Explanation): string {
  const limits = decision.thresholds
  switch (decision.guard) {
    case 'dwell':
      return `held: a mode lasts at least ${seconds(limits.minDwellMs)}`
    case 'rate':
      return `held: at most ${limits.maxTransitionsPerHour} transitions an hour`
    case 'autonomy':
      return `held: autonomy level ${limits.autonomyLevel} only advises`
    case 'none':
      return ''
  }
}

function amount(rps: number | undefined): string {
  return rps === undefined ? 'unknown' : String(rps < 10 ? Math.round(rps * 10) / 10 : Math.round(rps))
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'unknown' : `${Math.round(ms / 100) / 10} s`
}
