import { describe, expect, it } from 'vitest'
import { parseTrace, tracePlan } from '../../../examples/replay/trace.ts'

function csv(counts: readonly (number | '')[], stepS = 60): string {
  const rows = counts.map((count, index) => `${new Date(index * stepS * 1000).toISOString()},${count}`)
  return `timestamp_utc,value\n${rows.join('\n')}\n`
}

describe('traces', () => {
  it('reads counts on a regular grid, empty as missing', () => {
    const trace = parseTrace(csv([1, '', 3]), 'x.csv')
    expect(trace.stepS).toBe(60)
    expect(trace.counts).toEqual([1, Number.NaN, 3])
  })

  it('names the line that is wrong', () => {
    expect(() => parseTrace('time,count\n', 'x.csv')).toThrow(
      'must begin with the line "timestamp_utc,value"',
    )
    expect(() => parseTrace(`${csv([1, 2])}soon,3\n`, 'x.csv')).toThrow('line 4 is not a time and a count')
    expect(() => parseTrace(`${csv([1, 2])}1970-01-01T00:07:00Z,3\n`, 'x.csv')).toThrow(
      'line 4 leaves the grid of 60 s',
    )
    expect(() => parseTrace(csv([-1, 2]), 'x.csv')).toThrow('line 2')
  })

  it('scales a stretch to the wanted peak and keeps its form', () => {
    const counts = Array.from({ length: 130 }, (_, index) => (index < 100 ? 60 : 120))
    const plan = tracePlan(parseTrace(csv(counts), 'x.csv'), {
      name: 'x',
      minutes: 120,
      fromMinute: 5,
      peakRps: 8000,
    })
    expect(plan.rps(10)).toBeCloseTo(4000)
    expect(plan.rps(96)).toBeCloseTo(8000)
    expect(plan.startMs).toBe(5 * 60_000)
  })

  it('takes the stretch that rises the most after its warm-up, and a missing minute as the one before', () => {
    const counts = Array.from({ length: 400 }, (_, index): number =>
      index >= 250 && index < 320 ? 500 : 100,
    )
    const plan = tracePlan(
      parseTrace(csv(counts.with(260, Number.NaN).map((count) => count || '')), 'x.csv'),
      {
        name: 'x',
        minutes: 120,
        peakRps: 500,
      },
    )
    const from = plan.startMs / 60_000
    expect(from + 60).toBeGreaterThanOrEqual(249)
    expect(from + 60).toBeLessThanOrEqual(260)
    expect(plan.rps(260 - from)).toBeCloseTo(500)
  })

  it('works for a trace of five-minute steps', () => {
    const counts = Array.from({ length: 40 }, (_, index) => 300 + index)
    const plan = tracePlan(parseTrace(csv(counts, 300), 'x.csv'), {
      name: 'x',
      minutes: 120,
      fromMinute: 10,
      peakRps: 326,
    })
    expect(plan.rps(0)).toBeCloseTo(302)
    expect(plan.rps(4.9)).toBeCloseTo(302)
    expect(plan.rps(5)).toBeCloseTo(303)
  })
})
