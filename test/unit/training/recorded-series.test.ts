import { describe, expect, it } from 'vitest'
import { readSeries, writeSeries } from '../../../central/training/job.ts'
import { isUsable, SeriesRecorder } from '../../../central/training/recorded-series.ts'

const MINUTE_MS = 60_000
const DAY = 1_440

function record(minutes: readonly (readonly [at: number, rps: number])[]) {
  const recorder = new SeriesRecorder()
  for (const [at, rps] of minutes) recorder.take({ minuteStartMs: at * MINUTE_MS, rps, errorRate: 0.5 })
  return recorder.series('fra1')
}

describe('a PoP’s recorded minutes', () => {
  it.each([
    ['a rate that no traffic has', { rps: 1e308 }],
    ['a negative rate', { rps: -1 }],
    ['a rate that is no number', { rps: Number.NaN }],
    ['a time that is no date', { minuteStartMs: 1e300 }],
  ])('are left out with %s: a PoP that lies must not break the fit of all', (_, lie) => {
    const minute = { minuteStartMs: 1_700_000_000_000, rps: 3, errorRate: 0 }
    expect(isUsable(minute)).toBe(true)
    expect(isUsable({ ...minute, ...lie })).toBe(false)
  })

  it('become a series on a grid, with NaN where a minute is missing', () => {
    const series = record([
      [10, 1],
      [11, 2],
      [13, 4],
    ])
    expect(series).toMatchObject({ name: 'fra1', stepS: 60, startMs: 10 * MINUTE_MS })
    expect([...(series?.rps ?? [])]).toEqual([1, 2, Number.NaN, 4])
    expect([...(series?.errorRate ?? [])]).toEqual([0.5, 0.5, Number.NaN, 0.5])
    expect(record([])).toBeNull()
  })

  it('forget what another trace had recorded when time runs backwards, and what lies before a gap of a week', () => {
    expect([
      ...(record([
        ...([
          [10, 1],
          [20, 2],
        ] as const),
        [15, 3],
      ])?.rps ?? []),
    ]).toEqual([1, ...Array<number>(4).fill(Number.NaN), 3])
    expect([...(record([...([[10, 1]] as const), [10 + 8 * DAY, 3]])?.rps ?? [])]).toEqual([3])
    expect(record([...([[10, 1]] as const), [10 + 6 * DAY, 3]])?.rps).toHaveLength(6 * DAY + 1)
  })

  it('reach back 35 days at most', () => {
    const days = Array.from({ length: 40 }, (_, day) => [day * DAY, day] as const)
    const series = record(days)
    expect(series?.startMs).toBe(5 * DAY * MINUTE_MS)
  })

  it('hold what origins reported, where any did', () => {
    const recorder = new SeriesRecorder()
    const origin = { cpu: 0.5, memory: null, dbQueue: 7, dbQueueShare: 0.25, messageQueue: null }
    recorder.take({ minuteStartMs: 0, rps: 1, errorRate: 0, origin })
    recorder.take({ minuteStartMs: MINUTE_MS, rps: 2, errorRate: 0 })
    const series = recorder.series('fra1')
    expect(series).toMatchObject({ cpu: Float64Array.of(0.5, Number.NaN) })
    expect(series).toMatchObject({ dbQueue: Float64Array.of(0.25, Number.NaN) })
    expect(series).not.toHaveProperty('memory')
  })

  it('are written as JSON and read back', () => {
    const series = record([
      [10, 1],
      [12, 2],
    ])
    if (series === null) throw new Error('no series')
    expect(readSeries(JSON.parse(JSON.stringify(writeSeries(series))))).toEqual(series)
  })
})
