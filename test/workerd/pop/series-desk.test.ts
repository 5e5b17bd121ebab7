import { describe, expect, it } from 'vitest'
import { readingsOf, SeriesDesk } from '../../../edge/pop/alert/series-desk.ts'
import type { MinuteRecord, MinuteSeries } from '../../../edge/pop/minute-book.ts'
import { START_MS, withPop } from './pop-rig.ts'

const MINUTE_MS = 60_000
const NO_ORIGIN = { cpu: Number.NaN, memory: Number.NaN, dbQueue: Number.NaN, messageQueue: Number.NaN }

function series(requests: number, failures = 0, p95Ms = 20): MinuteSeries {
  const errorRate = requests === 0 ? 0 : failures / requests
  return {
    rps: requests / 60,
    errorRate,
    p95Ms,
    requests,
    origin: { ...NO_ORIGIN, dbQueueShare: Number.NaN },
  }
}

function minuteOf(modules: readonly MinuteSeries[], minute = 0): MinuteRecord {
  const requests = modules.reduce((sum, one) => sum + one.requests, 0)
  const failures = modules.reduce((sum, one) => sum + one.errorRate * one.requests, 0)
  return { minuteStartMs: START_MS + minute * MINUTE_MS, ...series(requests, failures), modules, calls: [] }
}

const errorsOf = (modules: readonly MinuteSeries[]) =>
  readingsOf(minuteOf(modules), ['cart', 'payment'], null)
    .filter(({ measure }) => measure === 'errors')
    .map(({ module, value }) => [module, value])

describe('the series of minutes', () => {
  it('are three a module, and of all traffic those and its distance from the forecast', () => {
    const expected = { p10: 1, p50: 2, p90: 3 }
    const readings = readingsOf(minuteOf([series(120), series(60)]), ['cart', 'payment'], expected)
    expect(readings.map(({ module, measure }) => `${module} ${measure}`)).toEqual([
      ...['rate', 'errors', 'latency', 'residual'].map((measure) => `null ${measure}`),
      ...['cart', 'payment'].flatMap((name) =>
        ['rate', 'errors', 'latency'].map((measure) => `${name} ${measure}`),
      ),
    ])
    expect(readings.find(({ measure }) => measure === 'residual')?.value).toBe(0.5)
  })

  it('have no distance from a forecast that was not made, or has no width', () => {
    for (const expected of [null, { p10: 2, p50: 2, p90: 2 }]) {
      const readings = readingsOf(minuteOf([series(120)]), ['cart'], expected)
      expect(readings.find(({ measure }) => measure === 'residual')?.value).toBeNaN()
    }
  })

  it('leave one failed request of a minute out: however rare, it is no incident', () => {
    expect(errorsOf([series(30, 1), series(30)])).toEqual([
      [null, 0],
      ['cart', 0],
      ['payment', 0],
    ])
    expect(errorsOf([series(30, 3), series(30, 1)])).toEqual([
      [null, 4 / 60],
      ['cart', 0.1],
      ['payment', 0],
    ])
  })

  it('are remembered over a restart, and forgotten when their module is gone', () =>
    withPop('series-desk', {}, async (_, state) => {
      const { sql } = state.storage
      const names = ['cart', 'payment']
      const kept = () =>
        sql
          .exec<{ series: string }>('SELECT series FROM streams ORDER BY series')
          .toArray()
          .map(({ series: key }) => key)
      const desk = new SeriesDesk(sql)
      for (let minute = 0; minute < 900; minute++)
        desk.minuteClosed(minuteOf([series(600 + (minute % 7)), series(60)], minute), names, null)
      const odd = minuteOf([series(600), series(60, 40, 900)], 900)
      const { signals } = new SeriesDesk(sql).minuteClosed(odd, names, null)
      expect(signals.map(({ module }) => module)).toContain('payment')
      expect(kept()).toHaveLength(10)
      new SeriesDesk(sql).minuteClosed(minuteOf([series(600)], 901), ['cart'], null)
      expect(kept().filter((key) => key.endsWith('payment'))).toEqual([])
      expect(kept()).toHaveLength(7)
    }))
})
