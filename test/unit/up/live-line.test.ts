import { describe, expect, it } from 'vitest'
import { forecastText, liveLine } from '../../../central/up/live-line.ts'
import type { PopStatus } from '../../../contract/pop-status.ts'

const module = {
  name: 'cart',
  loose: true,
  rps: 40,
  requests: 40,
  errors4xx: 0,
  errors5xx: 2,
  unreachable: 1,
  shed: 4,
  p50Ms: 2,
  p95Ms: 4,
  p99Ms: 5,
}
const status: PopStatus = {
  pop: 'local',
  second: {
    atMs: 0,
    mode: 'HYBRID',
    rps: 1234.4,
    policy: { name: 'default', version: 3 },
    modules: [module, { ...module, name: 'catalog', loose: false, errors5xx: 0, unreachable: 0, shed: 0 }],
    anomaly: { score: 0.314, features: [] },
    forecaster: { kind: 'warming', minutes: 12, of: 60 },
  },
  lastDecision: null,
  link: { state: 'connected', error: null, outboxRows: 2, outboxDropped: 0 },
  policyError: null,
  modelError: null,
  models: { release: 0, champion: 'bundled', rival: null, error: null },
  ticks: 1,
  isolates: 1,
  requests: 40,
  internalErrors: 0,
  tapDropped: 0,
  refusedReports: 0,
  tickErrors: 0,
  tickError: null,
}

describe('the line per second', () => {
  it('says rps, forecast, mode with its loose modules, anomaly, policy, link and each failed request once', () => {
    expect(liveLine(status)).toBe(
      ' 1,234 rps · +5 min warming, 12 of 60 min · HYBRID (cart) · anomaly 0.31 · policy v3 · nats connected, outbox 2 · errors 2 · shed 4',
    )
  })

  it('says so when the edge does not answer, or has not ticked yet', () => {
    expect(liveLine(null)).toContain('does not answer')
    expect(liveLine({ ...status, second: null })).toContain('first tick')
  })

  it('tells a forecast with its interval, and why there is none', () => {
    const quantiles = { p10: 900, p50: 1000, p90: 1200 }
    const forecast = { madeAtMs: 0, model: 'm', in5: quantiles, in15: quantiles, in60: quantiles }
    expect(forecastText({ kind: 'ready', forecast })).toBe('1,000 [900–1,200]')
    expect(forecastText({ kind: 'reactive', reason: 'model refused' })).toBe('reactive: model refused')
  })
})
