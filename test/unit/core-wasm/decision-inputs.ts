import type { DecisionInput, DecisionState, DecisionThresholds } from '../../../contract/decision.ts'
import type { Random } from '../../../contract/ports.ts'
import { integer, pick } from './values.ts'

/** The defaults of the policy, in the engine's units. */
export const THRESHOLDS: DecisionThresholds = {
  looseEnterRps: 5000,
  looseLeaveRps: 4000,
  hybridEnterRps: 1000,
  hybridLeaveRps: 800,
  leaveAfterMs: 300_000,
  anomalyLoose: 0.85,
  anomalyForMs: 10_000,
  minDwellMs: 60_000,
  maxTransitionsPerHour: 12,
}

type Overrides = Partial<Omit<DecisionInput, 'state' | 'thresholds'>> & {
  readonly state?: Partial<DecisionState>
  readonly thresholds?: Partial<DecisionThresholds>
}

/** An input on which nothing is to do: three modules that can be loose, one of them in HYBRID, TIGHT for an hour. */
export function quiet(over: Overrides = {}): DecisionInput {
  return {
    nowMs: 3_600_000,
    measuredRps: 900,
    predictedRps: 900,
    anomalyScore: 0.3,
    crashed: 0,
    vector: 0,
    loosable: 0b111,
    hybrid: 0b010,
    autonomyLevel: 3,
    transitionsLastHour: 0,
    ...over,
    thresholds: { ...THRESHOLDS, ...over.thresholds },
    state: {
      modeSinceMs: 0,
      belowLooseSinceMs: -1,
      belowHybridSinceMs: -1,
      anomalySinceMs: -1,
      ...over.state,
    },
  }
}

/**
 * Random inputs that meet every boundary often: values are drawn from, just below and just above the thresholds, times
 * from a few neighbouring ones, vectors from few bits; thresholds may be equal or stand in the wrong order.
 */
export function randomInput(random: Random): DecisionInput {
  const levels = [0, 799, 800, 801, 999, 1000, 1001, 3999, 4000, 4001, 4999, 5000, 5001] as const
  const mask = (): number =>
    pick(random, [0, 0b1, 0b10, 0b11, 0b101, 0b111, 0x40000000, 0x7fffffff, 0x80000001])
  const time = (): number => integer(random, -1, 8)
  const loosable = pick(random, [0, 0b1, 0b11, 0b111, 0b111, 0x7fffffff])
  const hybrid = pick(random, [0, loosable, mask(), mask() & loosable])
  return {
    nowMs: integer(random, 0, 12),
    measuredRps: pick(random, [...levels, ...levels, Number.NaN]),
    predictedRps: pick(random, [...levels, Number.NaN, Number.NaN, Number.POSITIVE_INFINITY]),
    anomalyScore: pick(random, [0, 0.84, 0.85, 0.86, 1, Number.NaN]),
    crashed: pick(random, [0, 0, 0, mask()]),
    vector: pick(random, [0, loosable, hybrid, hybrid & loosable, mask()]),
    loosable,
    hybrid,
    autonomyLevel: integer(random, 0, 4),
    transitionsLastHour: integer(random, 0, 4),
    thresholds: {
      looseEnterRps: pick(random, [5000, 5000, 1000]),
      looseLeaveRps: pick(random, [4000, 4000, 800, 5001]),
      hybridEnterRps: pick(random, [1000, 1000, 4000]),
      hybridLeaveRps: pick(random, [800, 800, 1000]),
      leaveAfterMs: integer(random, 0, 3),
      anomalyLoose: 0.85,
      anomalyForMs: integer(random, 0, 4),
      minDwellMs: integer(random, 0, 4),
      maxTransitionsPerHour: integer(random, 1, 5),
    },
    state: {
      modeSinceMs: time(),
      belowLooseSinceMs: time(),
      belowHybridSinceMs: time(),
      anomalySinceMs: time(),
    },
  }
}
