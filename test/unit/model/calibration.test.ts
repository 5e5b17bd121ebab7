import { describe, expect, it } from 'vitest'
import { calibrate, calibrationOf } from '../../../contract/model/calibration.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 11

describe(`calibration (seed ${SEED})`, () => {
  const random = seededRandom(SEED)
  const scores = Float64Array.from({ length: 100_000 }, () => 0.35 + 0.3 * random.next() ** 3)
  const knots = calibrationOf(scores)
  const shareAbove = (threshold: number) =>
    scores.filter((score) => calibrate(score, knots) >= threshold).length / scores.length

  it.each([
    [0.7, 0.01],
    [0.85, 0.001],
    [0.9, 0.0003],
    [0.95, 0.0001],
  ])('shows the share of the training data above %d as %d', (threshold, share) => {
    expect(shareAbove(threshold)).toBeCloseTo(share, 5)
  })

  it('rises strictly from 0 to 1', () => {
    let last = -1
    for (let raw = 0; raw <= 1.00001; raw += 0.001) {
      const score = calibrate(raw, knots)
      expect(score).toBeGreaterThan(last)
      last = score
    }
    expect(calibrate(0, knots)).toBe(0)
    expect(calibrate(1, knots)).toBe(1)
    expect(calibrate(7, knots)).toBe(1)
  })

  it('stays monotone where all training scores are the same', () => {
    const flat = calibrationOf([0.4, 0.4, 0.4])
    expect(flat.every((knot, index) => index === 0 || knot.raw > (flat[index - 1]?.raw ?? 0))).toBe(true)
    expect(calibrate(0.41, flat)).toBeGreaterThan(0.95)
  })

  it('keeps NaN a NaN and refuses no scores at all', () => {
    expect(calibrate(Number.NaN, knots)).toBeNaN()
    expect(() => calibrationOf([])).toThrow('must not be empty')
  })
})
