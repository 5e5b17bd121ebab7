import type { AckMessage, DecisionMessage, MinuteMessage, SecondMessage } from '../../../contract/messages.ts'

export function second(pop: string, seq: number, changes: Partial<SecondMessage> = {}): SecondMessage {
  return {
    v: 1,
    pop,
    seq,
    atMs: seq * 1_000,
    kind: 'second',
    mode: 'TIGHT',
    rps: seq,
    policy: { name: 'default', version: 0 },
    modules: [],
    anomaly: null,
    forecaster: { kind: 'warming', minutes: 1, of: 60 },
    ...changes,
  }
}

export function minute(pop: string, seq: number, changes: Partial<MinuteMessage> = {}): MinuteMessage {
  return {
    v: 1,
    pop,
    seq,
    atMs: seq * 60_000,
    kind: 'minute',
    minuteStartMs: (seq - 1) * 60_000,
    rps: seq,
    errorRate: 0,
    modules: [],
    forecast: null,
    ...changes,
  }
}

export function ack(pop: string, seq: number, changes: Partial<AckMessage> = {}): AckMessage {
  return {
    v: 1,
    pop,
    seq,
    atMs: seq * 1_000,
    kind: 'ack',
    policy: 'default',
    version: 1,
    outcome: 'applied',
    code: '',
    reason: '',
    faults: [],
    issuedAtMs: 1_000,
    appliedAtMs: 1_042,
    ...changes,
  }
}

export function decision(pop: string, seq: number, changes: Partial<DecisionMessage> = {}): DecisionMessage {
  return {
    v: 1,
    pop,
    seq,
    atMs: seq * 1_000,
    kind: 'decision',
    id: `d-${seq}`,
    rule: 'surge-loose',
    guard: 'none',
    from: 'TIGHT',
    to: 'LOOSE',
    loose: ['cart'],
    outcome: 'applied',
    detail: '',
    measuredRps: 4_000,
    predictedRps: 6_000,
    forecastAgeMs: 30_000,
    anomalyScore: 0.2,
    policyVersion: 3,
    thresholds: { looseEnterRps: 5_000, minDwellMs: 60_000 },
    ...changes,
  }
}

/** The smallest policy. */
export const POLICY = {
  apiVersion: 'atlas/v1',
  origin: 'http://127.0.0.1:9000',
  modules: [{ name: 'app', routes: ['/*'] }],
}
