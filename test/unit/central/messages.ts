import type {
  AckMessage,
  AlertMessage,
  DecisionMessage,
  MinuteMessage,
  SecondMessage,
} from '../../../contract/messages.ts'

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

/** Cart is slow, and so is the front door: an alert that has just opened. */
export function alert(pop: string, seq: number, changes: Partial<AlertMessage> = {}): AlertMessage {
  return {
    v: 1,
    pop,
    seq,
    atMs: seq * 1_000,
    kind: 'alert',
    id: 'a-1',
    event: 'opened',
    level: 'alert',
    sinceMs: 60_000,
    endMs: null,
    score: 0.72,
    peak: 0.75,
    features: ['p99Z', 'latencyDeviation'],
    signals: [
      { module: 'cart', measure: 'latency', value: 320, usual: 40, surprise: 4.6 },
      { module: null, measure: 'errors', value: 0.031, usual: 0, surprise: 3.1 },
    ],
    suspects: [
      { module: 'cart', metric: 'latency', share: 0.9, deviation: 12.3, path: ['site', 'cart'] },
      { module: 'site', metric: 'latency', share: 0.1, deviation: 1.4, path: ['site'] },
    ],
    undiagnosed: null,
    ...changes,
  }
}

/** The smallest policy. */
export const POLICY = {
  apiVersion: 'atlas/v1',
  origin: 'http://127.0.0.1:9000',
  modules: [{ name: 'app', routes: ['/*'] }],
}
