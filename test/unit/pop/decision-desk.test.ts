import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { decideSlow } from '../../../core-wasm/decision-oracle.ts'
import { DecisionDesk, type Sight } from '../../../edge/pop/decision-desk.ts'

const policy = parsePolicy({
  apiVersion: 'atlas/v1',
  origin: 'http://127.0.0.1:9000',
  modules: [
    {
      name: 'cart',
      routes: ['/cart/*'],
      loose: 'http://127.0.0.1:9001',
      contract: { timeoutMs: 1000, state: 'shared' },
    },
  ],
  coupling: { anomalyLoose: 0.85, anomalyForS: 10, minDwellS: 0 },
})

/** Ticks with a high score until the rules ask for another vector. */
function ticksUntilLoose(tickMs: number): number {
  const desk = new DecisionDesk(decideSlow, undefined, 0)
  for (let tick = 1; tick <= 100; tick++) {
    const sight: Sight = {
      nowMs: tick * tickMs,
      tickMs,
      measuredRps: 10,
      forecaster: { kind: 'reactive', reason: 'none in this test' },
      anomalyScore: 0.9,
      crashed: 0,
      table: {
        version: 1,
        policyName: 'default',
        policyVersion: 1,
        mode: 'TIGHT',
        vector: 0,
        policy,
      } as Sight['table'],
    }
    if (desk.decide(sight).output.vector !== 0) return tick
  }
  return Number.POSITIVE_INFINITY
}

describe('the rule of anomalies', () => {
  it.each([
    [1000, 11],
    [500, 21],
    [6000, 11],
    [60_000, 11],
  ])('needs a high score for ten seconds and for as many ticks, at a tick of %d ms', (tickMs, ticks) => {
    expect(ticksUntilLoose(tickMs)).toBe(ticks)
  })
})
