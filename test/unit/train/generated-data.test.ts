import { describe, expect, it } from 'vitest'
import { generateTicks } from '../../../central/train/generated-ticks.ts'
import { generateTraffic } from '../../../central/train/generated-traffic.ts'
import { normal, poisson } from '../../../central/train/sampling.ts'
import { parseTrace } from '../../../central/train/traces.node.ts'
import { coarser, historyAt } from '../../../central/train/traffic-series.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 3

describe(`generated traffic (seed ${SEED})`, () => {
  it('is the same for the same seed and another for another', () => {
    const make = (seed: number) => generateTraffic(seededRandom(seed), 'generated', 2)
    expect(make(SEED)).toEqual(make(SEED))
    expect(make(SEED).rps).not.toEqual(make(SEED + 1).rps)
  })

  it('has surges and outages in it, counts that are whole, and shares within 0..1', () => {
    const random = seededRandom(SEED)
    const all = Array.from({ length: 12 }, () => generateTraffic(random, 'generated', 7))
    const peaks = all.map(({ rps }) => {
      const seen = rps.filter((value) => !Number.isNaN(value)).sort()
      return (seen.at(-1) ?? 0) / Math.max(1e-9, seen[seen.length >> 1] ?? 0)
    })
    expect(Math.max(...peaks)).toBeGreaterThan(5)
    for (const { rps, errorRate, cpu } of all) {
      for (const value of rps)
        if (!Number.isNaN(value)) expect(Math.abs(value * 60 - Math.round(value * 60))).toBeLessThan(1e-6)
      for (const shares of [errorRate ?? [], cpu ?? []])
        expect(shares.every((value) => Number.isNaN(value) || (value >= 0 && value <= 1))).toBe(true)
    }
  })

  it('folds into coarser steps by the mean of what was observed', () => {
    const series = {
      name: 's',
      stepS: 60,
      startMs: 0,
      rps: Float64Array.of(1, 3, Number.NaN, 5, Number.NaN, Number.NaN, 9),
    }
    const folded = coarser(series, 2)
    expect(folded.stepS).toBe(120)
    expect(Array.from(folded.rps)).toEqual([2, 5, Number.NaN])
  })

  it('gives the window that ends with a sample, at the time when that step ends', () => {
    const series = {
      name: 's',
      stepS: 60,
      startMs: 1_000_000,
      rps: Float64Array.from({ length: 100 }, (_, at) => at),
    }
    const history = historyAt(series, 79)
    expect(history.rps).toHaveLength(60)
    expect(history.rps.at(-1)).toBe(79)
    expect(history.endMs).toBe(1_000_000 + 80 * 60_000)
  })
})

describe(`generated ticks (seed ${SEED})`, () => {
  it('measure nothing where no request came', () => {
    const ticks = generateTicks(seededRandom(SEED), 500)
    for (const tick of ticks) {
      expect(Number.isNaN(tick.p99Ms)).toBe(Number.isNaN(tick.errorRate))
      if (!Number.isNaN(tick.p99Ms)) expect(tick.p99Ms).toBeGreaterThanOrEqual(tick.p50Ms)
    }
  })
})

describe(`samplers (seed ${SEED})`, () => {
  const momentsOf = (draw: () => number) => {
    const drawn = Array.from({ length: 50_000 }, draw)
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length
    return { mean, variance }
  }

  it.each([0.5, 8, 200])('draw Poisson counts of mean and variance %d', (expected) => {
    const random = seededRandom(SEED)
    const { mean, variance } = momentsOf(() => poisson(random, expected))
    expect(mean / expected).toBeCloseTo(1, 1)
    expect(variance / expected).toBeCloseTo(1, 1)
  })

  it('draw standard normals', () => {
    const random = seededRandom(SEED)
    const { mean, variance } = momentsOf(() => normal(random))
    expect(mean).toBeCloseTo(0, 1)
    expect(variance).toBeCloseTo(1, 1)
  })
})

describe('a recorded trace', () => {
  const head = 'timestamp_utc,value\n'

  it('is read as requests a second, gaps as NaN', () => {
    const { rps, stepS } = parseTrace(
      't',
      `${head}2020-01-01T00:00:00Z,60\n2020-01-01T00:01:00Z,\n2020-01-01T00:02:00Z,30\n`,
    )
    expect(stepS).toBe(60)
    expect(Array.from(rps)).toEqual([1, Number.NaN, 0.5])
  })

  it.each([
    ['x,1\n2020-01-01T00:01:00Z,2', 'line 2: "x" is not a time'],
    ['2020-01-01T00:00:00Z,1\n2020-01-01T00:01:00Z,many', 'line 3: "many" is not a number'],
    [
      '2020-01-01T00:00:00Z,1\n2020-01-01T00:01:00Z,1\n2020-01-01T00:05:00Z,1',
      'line 4: leaves the grid of 60 s',
    ],
    ['2020-01-01T00:00:00Z,1', 'needs at least two samples'],
  ])('is refused with its line: %j', (rows, message) => {
    expect(() => parseTrace('t', head + rows)).toThrow(message)
  })
})
