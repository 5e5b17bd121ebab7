import { describe, expect, it } from 'vitest'
import { Crashes } from '../../../examples/replay/crashes.ts'
import { flashSale } from '../../../examples/replay/plan.ts'
import { niceCeiling, plotSvg, rateCeiling } from '../../../examples/replay/plot.ts'
import { type ModeChange, quantile, Recorder, type ReplayRecord } from '../../../examples/replay/record.ts'
import { reportOf, reportText } from '../../../examples/replay/report.ts'

const THRESHOLDS = { hybridEnterRps: 1000, looseEnterRps: 5000 }

function change(minute: number, from: string, to: string, measuredRps = 900): ModeChange {
  return { minute, from, to, rule: 'surge-loose', measuredRps, predictedRps: 1500 }
}

/** A record in which the plan was followed exactly, with the given forecasts (by the minute they were made) and changes. */
function recordWith(rest: Partial<ReplayRecord>): ReplayRecord {
  const plan = flashSale()
  const recorder = new Recorder(plan, 600)
  for (let minute = 0; minute < plan.minutes; minute++) {
    for (let i = 0; i < Math.round(plan.rps(minute + 0.5) / 10); i++) {
      recorder.sent(minute)
      recorder.ended(minute, 'ok', 5)
    }
  }
  const record = recorder.record({
    speed: 60,
    divisor: 10,
    seed: 1,
    crashes: [],
    notSent: 0,
    internalErrors: 0,
  })
  return { ...record, ...rest }
}

describe('replay report', () => {
  it('measures a forecast against the minute it was of', () => {
    const { minutes } = recordWith({})
    const forecasts = Array.from({ length: 50 }, (_, index) => {
      const p50 = minutes[65 + index - 1]?.actual ?? 0
      return { madeAt: 60 + index, p10: p50 * 0.9, p50: p50 * 1.1, p90: p50 * 1.2 }
    })
    const { forecast } = reportOf(recordWith({ forecasts }), THRESHOLDS)
    expect(forecast?.n).toBe(50)
    expect(forecast?.wape).toBeCloseTo(0.1, 6)
    expect(forecast?.inside).toBe(1)
    expect(forecast?.persistenceWape).toBeGreaterThan(0.2)
  })

  it('tells how far ahead a surge was called, and when it was not', () => {
    const ahead = reportOf(
      recordWith({ changes: [change(72, 'TIGHT', 'HYBRID'), change(80, 'HYBRID', 'LOOSE')] }),
      THRESHOLDS,
    )
    expect(ahead.surges.map(({ mode, aheadMinutes }) => [mode, Number(aheadMinutes?.toFixed(1))])).toEqual([
      ['HYBRID', 1.8],
      ['LOOSE', 2.5],
    ])
    const late = reportOf(recordWith({ changes: [change(75, 'TIGHT', 'HYBRID')] }), THRESHOLDS)
    expect(late.surges[0]?.aheadMinutes).toBeCloseTo(-1.2, 1)
    expect(late.surges[1]?.change).toBeNull()
  })

  it('does not count a change that was taken back before the surge came', () => {
    const changes = [
      change(61, 'TIGHT', 'HYBRID'),
      change(66, 'HYBRID', 'TIGHT'),
      change(73, 'TIGHT', 'HYBRID'),
    ]
    expect(reportOf(recordWith({ changes }), THRESHOLDS).surges[0]?.change?.minute).toBe(73)
  })

  it('says "called ahead" only when the forecast alone was above the threshold', () => {
    const record = recordWith({ changes: [change(72, 'TIGHT', 'HYBRID', 1200)] })
    expect(reportText(record, reportOf(record, THRESHOLDS))).toContain('but not by the forecast')
  })

  it('says of a replay that was ended by hand how far it came', () => {
    const record = recordWith({ endedAt: 12.5 })
    expect(reportText(record, reportOf(record, THRESHOLDS))).toMatch(
      /^flash-sale \(partial: ended at minute 12\.5 of/,
    )
    expect(reportOf(record, THRESHOLDS).surges).toEqual([])
  })

  it('keeps the actual readable under a forecast far above it, and marks where that is cut off', () => {
    const forecasts = [{ madeAt: 70, p10: 100, p50: 1e6, p90: 2e6 }]
    const record = recordWith({ forecasts })
    const highest = Math.max(...record.minutes.map(({ actual }) => actual))
    expect(rateCeiling(record, THRESHOLDS)).toBeLessThanOrEqual(2 * highest)
    expect(plotSvg(record, THRESHOLDS)).toContain('▲')
    expect(plotSvg(recordWith({}), THRESHOLDS)).not.toContain('▲')
  })

  it('says all of it in words', () => {
    const record = recordWith({
      changes: [change(72, 'TIGHT', 'HYBRID')],
      crashes: [{ minute: 93, module: 'payment', part: 'payment', failed: 3, recoveredMs: 500 }],
    })
    const text = reportText(record, reportOf(record, THRESHOLDS))
    expect(text).toContain('HYBRID: 1,000 RPS crossed at minute 73.8, called 1.8 trace minutes ahead')
    expect(text).toContain('LOOSE: 5,000 RPS crossed at minute 82.5, and no change followed')
    expect(text).toContain(
      'payment killed (-9) at minute 93.0: 3 requests of payment failed, good answers again after 0.50 s',
    )
    expect(text).toContain('TIGHT → HYBRID at 72.0')
  })

  it('draws a picture without undefined numbers, also when nothing was observed', () => {
    expect(plotSvg(recordWith({}), THRESHOLDS)).not.toMatch(/NaN|undefined|Infinity/)
    const empty = new Recorder(flashSale(), 600).record({
      speed: 60,
      divisor: 10,
      seed: 1,
      crashes: [],
      notSent: 0,
      internalErrors: 0,
    })
    expect(plotSvg(empty, THRESHOLDS)).not.toMatch(/NaN|undefined|Infinity/)
    expect(reportText(empty, reportOf(empty, THRESHOLDS))).toContain('none was made after the warm-up')
  })

  it('takes quantiles by nearest rank', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2)
    expect(quantile([1, 2, 3, 4], 0.99)).toBe(4)
    expect(quantile([], 0.5)).toBeNull()
  })

  it('ends axes at round values', () => {
    expect([1, 3, 58, 8300].map(niceCeiling)).toEqual([1, 4, 60, 10_000])
  })
})

describe('crashes of a replay', () => {
  it('kills the monolith while the module is tight, and judges by the answers that follow', () => {
    const killed: string[] = []
    const crashes = new Crashes([{ minute: 10, module: 'payment' }], (part) => killed.push(part))
    crashes.upTo(9, null)
    expect(killed).toEqual([])
    crashes.upTo(10.1, null)
    crashes.upTo(11, null)
    expect(killed).toEqual(['monolith'])
    const now = Date.now()
    const [record] = crashes.records([
      { atMs: now + 10, module: 'cart', good: false },
      { atMs: now + 20, module: 'catalog', good: true },
      { atMs: now + 30, module: 'cart', good: false },
      { atMs: now + 300, module: 'cart', good: true },
    ])
    expect(record).toMatchObject({ part: 'monolith', failed: 2 })
    expect(record?.recoveredMs).toBeGreaterThanOrEqual(300)
    expect(record?.recoveredMs).toBeLessThan(1000)
  })
})
