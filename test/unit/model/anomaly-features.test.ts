import { describe, expect, it } from 'vitest'
import { generateTicks } from '../../../central/train/generated-ticks.ts'
import {
  ANOMALY_FEATURES,
  ANOMALY_WARMUP,
  AnomalyFeatures,
} from '../../../contract/model/anomaly-features.ts'
import { RobustScale } from '../../../contract/model/robust-scale.ts'
import type { TickSummary } from '../../../contract/model/series.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 5
const ticks = generateTicks(seededRandom(SEED), 800)
const feature = (row: Float64Array | null, name: (typeof ANOMALY_FEATURES)[number]) =>
  row?.[ANOMALY_FEATURES.indexOf(name)] ?? Number.NaN

function withLast(normal: readonly TickSummary[], last: Partial<TickSummary>): Float64Array | null {
  const features = new AnomalyFeatures()
  for (const tick of normal.slice(0, -1)) features.push(tick)
  return features.push({ ...(normal.at(-1) as TickSummary), ...last })
}

describe(`anomaly features (seed ${SEED})`, () => {
  it('say nothing while warming, then one finite number a feature', () => {
    const features = new AnomalyFeatures()
    const rows = ticks.map((tick) => features.push(tick))
    expect(rows.slice(0, ANOMALY_WARMUP).every((row) => row === null)).toBe(true)
    for (const row of rows.slice(ANOMALY_WARMUP)) {
      expect(row?.length).toBe(ANOMALY_FEATURES.length)
      expect(row?.every(Number.isFinite)).toBe(true)
    }
  })

  it('are of ordinary size on normal traffic', () => {
    const features = new AnomalyFeatures()
    const deviations = ticks
      .map((tick) => features.push(tick))
      .filter((row) => row !== null)
      .map((row) => Math.abs(feature(row, 'rpsZ1m')))
      .sort((a, b) => a - b)
    expect(deviations[Math.floor(deviations.length * 0.95)]).toBeLessThan(5)
  })

  it('show a surge in the rate, a crash in the errors and slowness in the latency', () => {
    const { rps = 0, p50Ms = 0, p99Ms = 0 } = ticks.at(-1) ?? {}
    expect(feature(withLast(ticks, { rps: rps * 8 }), 'rpsZ1m')).toBeGreaterThan(5)
    expect(feature(withLast(ticks, { errorRate: 0.5 }), 'errorRateZ')).toBeGreaterThan(8)
    expect(feature(withLast(ticks, { unreachableRate: 0.25 }), 'unreachableRate')).toBeCloseTo(0.5)
    expect(feature(withLast(ticks, { p50Ms: p50Ms * 20, p99Ms: p99Ms * 20 }), 'p50Z')).toBeGreaterThan(5)
  })

  it('take what was not measured as usual', () => {
    const nothing = {
      p50Ms: Number.NaN,
      p99Ms: Number.NaN,
      errorRate: Number.NaN,
      unreachableRate: Number.NaN,
    }
    const row = withLast(ticks, { ...nothing, bytesPerS: Number.NaN })
    expect(row?.every(Number.isFinite)).toBe(true)
    expect(feature(row, 'p50Z')).toBe(0)
    expect(feature(row, 'bytesPerRequestZ')).toBe(0)
    expect(withLast(ticks, { rps: Number.NaN })).toBeNull()
  })

  it('take the first requests after silence, and one failure among them, for nothing special', () => {
    const silence = Array.from({ length: 301 }, (_, second) => ({
      atMs: second * 1000,
      rps: 0,
      errorRate: Number.NaN,
      unreachableRate: Number.NaN,
      p50Ms: Number.NaN,
      p99Ms: Number.NaN,
      bytesPerS: 0,
    }))
    const row = withLast(silence, { rps: 2, errorRate: 0.5, unreachableRate: 0, p50Ms: 10, p99Ms: 10 })
    expect(feature(row, 'rpsZ1m')).toBeLessThan(2)
    expect(feature(row, 'errorRate')).toBeLessThan(0.4)
  })

  it('resume from their state as if nothing had happened', () => {
    const through = new AnomalyFeatures()
    const before = new AnomalyFeatures()
    for (const tick of ticks.slice(0, 400)) {
      through.push(tick)
      before.push(tick)
    }
    const resumed = new AnomalyFeatures(JSON.parse(JSON.stringify(before.state())))
    for (const tick of ticks.slice(400)) expect(resumed.push(tick)).toEqual(through.push(tick))
  })

  it('start from a state of JSON before the first tick', () => {
    const resumed = new AnomalyFeatures(JSON.parse(JSON.stringify(new AnomalyFeatures().state())))
    const fresh = new AnomalyFeatures()
    for (const tick of ticks.slice(0, 80)) expect(resumed.push(tick)).toEqual(fresh.push(tick))
  })
})

describe(`a robust scale (seed ${SEED})`, () => {
  it('finds centre and spread in spite of a tenth of wild values', () => {
    const random = seededRandom(SEED)
    const scale = new RobustScale()
    for (let index = 0; index < 20_000; index++) {
      const noise = random.next() + random.next() + random.next() - 1.5 // standard deviation 0.5
      scale.learn(index % 10 === 9 ? 1000 : 20 + noise, 0.01, 1e-6)
    }
    expect(Math.abs(scale.z(20, 1e-6))).toBeLessThan(1.2)
    expect(scale.z(30, 1e-6)).toBeGreaterThan(4)
  })

  it('leaves NaN out and bounds what it answers', () => {
    const scale = new RobustScale()
    scale.learn(1, 0.1, 0.1)
    scale.learn(Number.NaN, 0.1, 0.1)
    expect(scale.state().count).toBe(1)
    scale.learn(1.01, 0.1, 0.1)
    expect(scale.z(Number.NaN, 0.1)).toBe(0)
    expect(scale.z(1e9, 0.1)).toBe(20)
    expect(scale.z(-1e9, 0.1)).toBe(-20)
  })
})
