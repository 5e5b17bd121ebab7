import { describe, expect, it } from 'vitest'
import {
  FORECAST_FEATURES,
  fromRelative,
  readForecast,
  stepsAhead,
  toRelative,
  WINDOW_SIZE,
  windowFeatures,
} from '../../../contract/model/forecast-window.ts'
import { LOOKBACK, type SeriesHistory } from '../../../contract/model/series.ts'

type Feature = (typeof FORECAST_FEATURES)[number]

function history(over: Partial<SeriesHistory> = {}): SeriesHistory {
  return {
    name: 'total',
    stepS: 60,
    endMs: Date.UTC(2026, 10, 20, 6), // a Friday, 06:00
    rps: Array.from({ length: LOOKBACK }, (_, minute) => 50 + 10 * Math.sin(minute / 7)),
    errorRate: new Array<number>(LOOKBACK).fill(0.01),
    ...over,
  }
}

function column(features: Float32Array, name: Feature): number[] {
  const at = FORECAST_FEATURES.indexOf(name)
  return Array.from(
    { length: LOOKBACK },
    (_, row) => features[row * FORECAST_FEATURES.length + at] ?? Number.NaN,
  )
}

describe('the window of a series', () => {
  it('is the same for the same shape of traffic, whatever its size', () => {
    const small = windowFeatures(history())
    const large = windowFeatures(history({ rps: history().rps.map((rps) => rps * 1000) }))
    expect(large.level).toBeCloseTo(small.level * 1000, 6)
    large.features.forEach((value, index) => {
      expect(value).toBeCloseTo(small.features[index] ?? Number.NaN, 5)
    })
  })

  it('takes the last 60 samples of a longer history', () => {
    const rps = [...new Array<number>(100).fill(9999), ...history().rps]
    const errorRate = [...new Array<number>(100).fill(1), ...history().errorRate]
    expect(windowFeatures(history({ rps, errorRate }))).toEqual(windowFeatures(history()))
  })

  it('marks a missing sample and carries the one before forward', () => {
    const rps = history().rps.map((value, minute) => (minute >= 10 && minute < 13 ? Number.NaN : value))
    const { features, missing } = windowFeatures(history({ rps }))
    const rates = column(features, 'rps')
    expect(missing).toBe(3)
    expect(column(features, 'rpsMissing').slice(8, 15)).toEqual([0, 0, 1, 1, 1, 0, 0])
    expect(rates.slice(10, 13)).toEqual([rates[9], rates[9], rates[9]])
  })

  it('masks what the origin does not report, and does not pretend a zero was measured', () => {
    const { features } = windowFeatures(history())
    for (const name of ['cpuMissing', 'memoryMissing', 'dbQueueMissing', 'holidayUnknown'] as const)
      expect(column(features, name)).toEqual(new Array(LOOKBACK).fill(1))
    expect(column(features, 'errorRateMissing')).toEqual(new Array(LOOKBACK).fill(0))
    const reporting = windowFeatures(
      history({ cpu: new Array<number>(LOOKBACK).fill(0.5), dbQueue: [0.25], holiday: true }),
    ).features
    expect(column(reporting, 'cpuMissing')[0]).toBe(0)
    expect(column(reporting, 'cpu')[59]).toBe(0.5)
    expect(column(reporting, 'dbQueueMissing').slice(57)).toEqual([1, 1, 0])
    expect(column(reporting, 'holidayUnknown')[0]).toBe(0)
    expect(column(reporting, 'holiday')[0]).toBe(1)
  })

  it('tells hour and weekday as an angle', () => {
    const { features } = windowFeatures(history({ endMs: Date.UTC(2026, 10, 23, 6, 1) })) // Monday
    expect(column(features, 'hourSin')[59]).toBeCloseTo(1, 6)
    expect(column(features, 'hourCos')[59]).toBeCloseTo(0, 6)
    expect(column(features, 'weekdaySin')[59]).toBeCloseTo(Math.sin((2 * Math.PI * 0.25) / 7), 6)
  })

  it('is finite for silence and for a history of nothing but gaps', () => {
    for (const value of [0, Number.NaN]) {
      const { features, level } = windowFeatures(history({ rps: new Array<number>(LOOKBACK).fill(value) }))
      expect(level).toBeGreaterThan(0)
      expect(features.length).toBe(WINDOW_SIZE)
      expect(features.every(Number.isFinite)).toBe(true)
    }
  })

  it('refuses a history that is too short or has no step', () => {
    expect(() => windowFeatures(history({ rps: [1, 2] }))).toThrow('at least 60 samples, but has 2')
    expect(() => windowFeatures(history({ stepS: 0 }))).toThrow('stepS must be above 0')
  })
})

describe('the answer of a model', () => {
  it('is read back in requests a second', () => {
    for (const rps of [0, 0.1, 7, 5000]) expect(fromRelative(toRelative(rps, 10), 10)).toBeCloseTo(rps, 6)
  })

  it('has its quantiles in order, and none below zero', () => {
    const level = 10
    const output = [0.4, 0, -0.4, -99, -99, 99, 0, 0, 0].map((value) => value)
    const { in5, in15, in60 } = readForecast(output, level)
    expect(in5).toEqual({ p10: 10, p50: 10, p90: 10 })
    expect(in15.p10).toBe(0)
    expect(in15.p90).toBeGreaterThan(0)
    expect(in60.p50).toBeCloseTo(10)
  })

  it('is found by its place in a batch, and refused beyond the end', () => {
    const output = [...new Array<number>(9).fill(0), ...new Array<number>(9).fill(toRelative(30, 10))]
    expect(readForecast(output, 10, 1).in60.p50).toBeCloseTo(30)
    expect(() => readForecast(output, 10, 2)).toThrow('9 numbers for window 2')
  })

  it('lies at least one step ahead', () => {
    expect([5, 15, 60].map((minutes) => stepsAhead(minutes, 60))).toEqual([5, 15, 60])
    expect([5, 15, 60].map((minutes) => stepsAhead(minutes, 300))).toEqual([1, 3, 12])
    expect([5, 15, 60].map((minutes) => stepsAhead(minutes, 600))).toEqual([1, 2, 6])
  })
})
