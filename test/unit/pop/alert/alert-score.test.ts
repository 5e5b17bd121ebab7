import { describe, expect, it } from 'vitest'
import { alertScore, type MinuteVerdict } from '../../../../edge/pop/alert/alert-score.ts'
import type { AnomalyView } from '../../../../edge/pop/anomaly-watch.ts'

const NOW_MS = 1_000_000
const anomaly = (score: number) => ({ score, features: ['errorRate'] })
/** All traffic, and modules `m0`, `m1` … with these scores. */
const view = (total: number | null, ...modules: readonly number[]): AnomalyView => ({
  total: total === null ? null : anomaly(total),
  modules: modules.map((score, index) => ({ name: `m${index}`, anomaly: anomaly(score) })),
})
const verdict = (score: number, heardMs = NOW_MS): MinuteVerdict => ({
  score,
  heardMs,
  signals: [{ module: 'cart', measure: 'latency', value: 900, usual: 90, surprise: 4 }],
})
const scoreOf = (seen: AnomalyView) => alertScore(seen, null, NOW_MS).score

describe('the score of alerts', () => {
  it('is not known while everything warms up', () => {
    expect(alertScore(view(null), null, NOW_MS)).toMatchObject({ score: Number.NaN, module: null })
  })

  it('is that of all traffic where nothing else is watched, whatever it is', () => {
    for (const score of [0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9, 0.95, 1])
      expect(scoreOf(view(score))).toBeCloseTo(score, 10)
  })

  it('names the module whose tick is odd, and nobody when it is all traffic', () => {
    expect(alertScore(view(0.2, 0.1, 0.97), null, NOW_MS)).toMatchObject({
      module: 'm1',
      features: ['errorRate'],
    })
    expect(alertScore(view(0.99, 0.1, 0.97), null, NOW_MS).module).toBeNull()
  })

  it('counts the same tick for less, the more of them are watched, and rises with it', () => {
    for (const score of [0.5, 0.7, 0.85, 0.95, 1]) {
      const byCount = Array.from({ length: 31 }, (_, count) =>
        scoreOf(view(score, ...new Array<number>(count).fill(0))),
      )
      for (const [index, one] of byCount.entries()) expect(one).toBeLessThanOrEqual(byCount[index - 1] ?? 1)
      expect(byCount[30]).toBeLessThan(score)
    }
    const byScore = Array.from({ length: 101 }, (_, percent) => scoreOf(view(0, 0, percent / 100)))
    for (const [index, one] of byScore.entries()) expect(one).toBeGreaterThanOrEqual(byScore[index - 1] ?? 0)
    expect(byScore[100]).toBeGreaterThan(0.9)
  })

  it('multiplies the share that is as rare by their number: one in ten thousand, of ten, is one in a thousand', () => {
    expect(scoreOf(view(0.95, ...new Array<number>(9).fill(0)))).toBeCloseTo(0.85, 10)
    expect(scoreOf(view(0.85, ...new Array<number>(9).fill(0)))).toBeCloseTo(0.7, 10)
  })

  it('passes over a tick whose score is not known, instead of taking it for the rarest', () => {
    expect(scoreOf(view(Number.NaN, 0.4))).toBeCloseTo(0.4, 10)
    expect(scoreOf(view(Number.NaN))).toBeNaN()
  })

  it("takes a minute's verdict when it is the higher, with its module", () => {
    expect(alertScore(view(0.2), verdict(0.8), NOW_MS)).toMatchObject({
      score: 0.8,
      ticks: 60,
      module: 'cart',
      features: [],
    })
    const ticksWin = alertScore(view(0.9), verdict(0.8), NOW_MS)
    expect(ticksWin).toMatchObject({ ticks: 1, module: null, features: ['errorRate'] })
    expect(ticksWin.score).toBeCloseTo(0.9, 10)
    expect(ticksWin.signals).toHaveLength(1)
    expect(alertScore(view(null), verdict(0.8), NOW_MS).score).toBe(0.8)
  })

  it('leaves a verdict out when no minute has followed it in two and a half', () => {
    expect(alertScore(view(0.2), verdict(0.8, NOW_MS - 149_000), NOW_MS).score).toBe(0.8)
    expect(alertScore(view(0.2), verdict(0.8, NOW_MS - 150_000), NOW_MS)).toMatchObject({
      signals: [],
      module: null,
    })
    expect(alertScore(view(null), verdict(0.8, NOW_MS - 150_000), NOW_MS).score).toBeNaN()
  })
})
