import { describe, expect, it } from 'vitest'
import { trainSurpriseForest } from '../../../central/eval/surprise-forest.ts'
import { normal } from '../../../central/train/sampling.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { freshHabituation, newsOf } from '../../../core-wasm/anomaly/habituation.ts'
import {
  STREAM_SETTINGS,
  STREAM_SIGNALS,
  StreamDetector,
  type StreamState,
} from '../../../core-wasm/anomaly/stream-detector.ts'

const SEED = 21
const STEP_MS = 300_000
const DAY = 288

/** Days of a daily wave with noise, five minutes a sample. */
function wave(days: number, seed = SEED): Float64Array {
  const random = seededRandom(seed)
  return Float64Array.from(
    { length: days * DAY },
    (_, row) => 100 + 40 * Math.sin((2 * Math.PI * row) / DAY) + 2 * normal(random),
  )
}

function run(values: Float64Array, detector = new StreamDetector(), from = 0) {
  return Array.from(values, (value, row) => {
    const seen = detector.push(value, (from + row) * STEP_MS)
    return { score: seen?.score ?? 0, onset: seen?.onset ?? 0, surprises: [...(seen?.surprises ?? [])] }
  })
}

/** The row with the highest onset after the first five days. */
function loudest(values: Float64Array): number {
  const onsets = run(values).map(({ onset }) => onset)
  const later = onsets.slice(5 * DAY)
  return 5 * DAY + later.indexOf(Math.max(...later))
}

describe(`detector of one series (seed ${SEED})`, () => {
  it('judges a row the same whatever comes after it', () => {
    const forest = trainSurpriseForest({ seed: 1, series: 2, days: 7, stepMin: 5, trees: 20, subsample: 64 })
    const calm = wave(8)
    const wild = calm.map((value, row) => (row >= 6 * DAY ? value * (row % 7) - 500 : value))
    const before = run(calm, new StreamDetector({ forest })).slice(0, 6 * DAY)
    const after = run(wild, new StreamDetector({ forest })).slice(0, 6 * DAY)
    expect(after).toEqual(before)
  })

  it('goes on from its saved state as if it had never stopped', () => {
    const values = wave(6)
    const whole = run(values)
    const first = new StreamDetector()
    run(values.subarray(0, 1000), first)
    const state = JSON.parse(JSON.stringify(first.state())) as StreamState
    const rest = run(values.subarray(1000), new StreamDetector({ state }), 1000)
    expect(rest).toEqual(whole.slice(1000))
  })

  it('finds a spike beyond all that was, at its row', () => {
    const values = wave(10)
    values[2500] = 260
    expect(loudest(values)).toBe(2500)
  })

  it('finds a night that looks like a day, which no value alone betrays', () => {
    const values = wave(10)
    values.fill(138, 8 * DAY + 210, 8 * DAY + 222)
    const row = loudest(values)
    expect(row).toBeGreaterThanOrEqual(8 * DAY + 210)
    expect(row).toBeLessThan(8 * DAY + 222)
  })

  it('finds a level that moves and stays inside the range', () => {
    const values = wave(12).map((value, row) => (row >= 10 * DAY ? 130 + (value - 100) / 10 : value))
    const row = loudest(values)
    expect(row).toBeGreaterThanOrEqual(10 * DAY)
    expect(row).toBeLessThan(11 * DAY)
  })

  it('scores 0.7 and more for about 1 % of ordinary rows', () => {
    const scores = run(wave(40)).slice(5 * DAY)
    const share = scores.filter(({ score }) => score >= 0.7).length / scores.length
    expect(share).toBeGreaterThan(0.002)
    expect(share).toBeLessThan(0.02)
    for (const { score } of scores) expect(score >= 0 && score <= 1).toBe(true)
  })

  it('means the same in any unit', () => {
    const values = wave(6)
    values[1500] = 300
    const onsets = (scale: number) => run(values.map((value) => value * scale)).map(({ onset }) => onset)
    const [small, large] = [onsets(1 / 1024), onsets(1024)]
    small.forEach((onset, row) => {
      expect(large[row]).toBeCloseTo(onset, 9)
    })
  })

  it('is not surprised by a constant series, and leaves out what is not a number', () => {
    const detector = new StreamDetector()
    for (const { score, onset } of run(new Float64Array(2000).fill(7), detector)) {
      expect(score).toBe(0)
      expect(onset).toBe(0)
    }
    expect(detector.push(Number.NaN, 0)).toBeNull()
    expect(detector.push(1, Number.POSITIVE_INFINITY)).toBeNull()
  })

  it('keeps its memory bounded: state does not grow with the rows', () => {
    const detector = new StreamDetector()
    run(wave(10), detector)
    const early = JSON.stringify(detector.state()).length
    run(wave(100, 4), detector, 10 * DAY)
    expect(JSON.stringify(detector.state()).length).toBeLessThan(early * 1.6)
    expect(detector.state().tails).toHaveLength(STREAM_SIGNALS.length)
  })
})

describe('habituation', () => {
  it('tells an incident once: what lasts or flickers is no news', () => {
    const state = freshHabituation()
    const told = Array.from({ length: 600 }, (_, row) => {
      const surprise = row >= 300 && row < 340 ? 6 - (row % 3) : row % 2
      return newsOf(state, surprise, STREAM_SETTINGS)
    })
    expect(told.flatMap((news, row) => (news > 2 ? [row] : []))).toEqual([300])
  })

  it('tells a second incident when it is stronger, or later', () => {
    const state = freshHabituation()
    const at = new Map([
      [200, 5],
      [210, 5],
      [220, 9],
      [4000, 5],
    ])
    const told = Array.from({ length: 4100 }, (_, row) => newsOf(state, at.get(row) ?? 0, STREAM_SETTINGS))
    expect(told.flatMap((news, row) => (news > 0 ? [row] : []))).toEqual([200, 220, 4000])
  })
})
