import { type Mode, modeOf } from '../../contract/coupling.ts'
import {
  type DecisionInput,
  type DecisionOutput,
  type DecisionState,
  type DecisionThresholds,
  initialDecisionState,
} from '../../contract/decision.ts'
import type { DecisionMessage, ForecasterState } from '../../contract/messages.ts'
import type { Policy } from '../../contract/policy.ts'
import { hybridOf, loosableOf } from '../control/coupling-plan.ts'
import type { RouteTable } from '../control/route-table.ts'

const HOUR_MS = 3_600_000

/** What decisions remember; kept in SQLite with every tick. */
export interface DecisionMemory {
  readonly state: DecisionState
  /** Trace times of the changes of the last hour. */
  readonly transitions: readonly number[]
}

/** What a decision is made from. */
export interface Sight {
  readonly nowMs: number
  /** Trace time of one tick. */
  readonly tickMs: number
  readonly measuredRps: number
  readonly forecaster: ForecasterState
  readonly anomalyScore: number | null
  /** Bit i: module i's current target is crashed. */
  readonly crashed: number
  readonly table: RouteTable
}

/** A decision and all that it was made from. */
export interface Verdict {
  readonly output: DecisionOutput
  readonly sight: Sight
}

/** A decision message but for its identity and its outcome. */
export type Explanation = Omit<
  DecisionMessage,
  'v' | 'pop' | 'seq' | 'kind' | 'id' | 'outcome' | 'detail' | 'atMs'
>

/**
 * Keeps the rule table's memory. A proposal changes nothing until it is committed: while its preflight runs, or after
 * one that failed, the next tick decides from the same memory again.
 */
export class DecisionDesk {
  readonly #decide: (input: DecisionInput) => DecisionOutput
  #state: DecisionState
  #transitions: readonly number[]

  constructor(
    decide: (input: DecisionInput) => DecisionOutput,
    memory: DecisionMemory | undefined,
    nowMs: number,
  ) {
    this.#decide = decide
    this.#state = memory?.state ?? initialDecisionState(nowMs)
    this.#transitions = memory?.transitions ?? []
  }

  decide(sight: Sight): Verdict {
    const output = this.#output(sight)
    this.#transitions = this.#recent(sight.nowMs)
    if (output.vector === sight.table.vector) this.#state = output.state
    return { output, sight }
  }

  /** The mode that the rules ask for, guards or not; what is remembered does not change. */
  wouldAskFor(sight: Sight): Mode {
    return modeOf(this.#output(sight).proposed, loosableOf(sight.table.policy))
  }

  #recent(nowMs: number): readonly number[] {
    return this.#transitions.filter((at) => nowMs - at < HOUR_MS)
  }

  #output(sight: Sight): DecisionOutput {
    const { nowMs, measuredRps, table, forecaster } = sight
    const { policy, vector } = table
    return this.#decide({
      nowMs,
      measuredRps,
      predictedRps: predictedRps(policy, forecaster) ?? Number.NaN,
      anomalyScore: sight.anomalyScore ?? Number.NaN,
      crashed: sight.crashed,
      vector,
      loosable: loosableOf(policy),
      hybrid: hybridOf(policy),
      autonomyLevel: policy.autonomyLevel,
      transitionsLastHour: this.#recent(nowMs).length,
      thresholds: thresholdsOf(policy, sight.tickMs),
      state: this.#state,
    })
  }

  /** The verdict's vector is in force from now on. */
  commit(verdict: Verdict, nowMs: number): void {
    this.#state = { ...verdict.output.state, modeSinceMs: nowMs }
    this.#transitions = [...this.#transitions, nowMs]
  }

  /** A policy changed the vector: the dwell time begins anew, and it counts as no transition. */
  restartDwell(nowMs: number): void {
    this.#state = initialDecisionState(nowMs)
  }

  memory(): DecisionMemory {
    return { state: this.#state, transitions: this.#transitions }
  }
}

/** What a verdict is to say to people: rule, guard, inputs and thresholds. */
export function explain({ output, sight }: Verdict): Explanation {
  const { policy, vector, policyVersion } = sight.table
  const { nowMs, forecaster } = sight
  const loosable = loosableOf(policy)
  const wanted = output.guard === 'none' ? output.vector : output.proposed
  return {
    rule: output.rule,
    guard: output.guard,
    from: modeOf(vector, loosable),
    to: modeOf(wanted, loosable),
    loose: policy.modules.filter((_, index) => (wanted & (1 << index)) !== 0).map((module) => module.name),
    measuredRps: sight.measuredRps,
    predictedRps: predictedRps(policy, forecaster),
    forecastAgeMs: forecaster.kind === 'ready' ? nowMs - forecaster.forecast.madeAtMs : null,
    anomalyScore: sight.anomalyScore,
    policyVersion,
    thresholds: { ...thresholdsOf(policy, sight.tickMs), autonomyLevel: policy.autonomyLevel },
  }
}

/** Predicted requests a second at +5 min by the quantile the policy names; null without a forecast to trust. */
export function predictedRps(policy: Policy, forecaster: ForecasterState): number | null {
  return forecaster.kind === 'ready' ? forecaster.forecast.in5[policy.forecast.quantile] : null
}

/** In a compressed replay, where a tick is longer than a second, an anomaly lasts as many ticks as it would seconds. */
function thresholdsOf({ coupling }: Policy, tickMs: number): DecisionThresholds {
  return {
    looseEnterRps: coupling.looseEnterRps,
    looseLeaveRps: coupling.looseLeaveRps,
    hybridEnterRps: coupling.hybridEnterRps,
    hybridLeaveRps: coupling.hybridLeaveRps,
    leaveAfterMs: coupling.leaveAfterS * 1000,
    anomalyLoose: coupling.anomalyLoose,
    anomalyForMs: coupling.anomalyForS * Math.max(1000, tickMs),
    minDwellMs: coupling.minDwellS * 1000,
    maxTransitionsPerHour: coupling.maxTransitionsPerHour,
  }
}
