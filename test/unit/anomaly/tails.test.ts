import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { fitTails, tailSurprise } from '../../../core-wasm/anomaly/feature-tails.ts'
import {
  MULTIVARIATE_SETTINGS,
  MultivariateDetector,
  type MultivariateState,
} from '../../../core-wasm/anomaly/multivariate-detector.ts'
import { freshTail, remember, surpriseOf } from '../../../core-wasm/anomaly/tail.ts'

const SEED = 8

describe(`streaming tail (seed ${SEED})`, () => {
  it('says -log10 of the share of the past that was as large', () => {
    const random = seededRandom(SEED)
    const tail = freshTail()
    for (let row = 0; row < 20_000; row++) remember(tail, random.next())
    // To within a bin: a fortieth of a decade, 6 % of the value.
    for (const value of [0.2, 0.5, 0.9]) {
      expect(surpriseOf(tail, value)).toBeGreaterThan(-Math.log10(1 - value * 0.94))
      expect(surpriseOf(tail, value)).toBeLessThan(-Math.log10(Math.max(0.01, 1 - value * 1.06)))
    }
    expect(surpriseOf(tail, 0)).toBe(0)
  })

  it('orders what is beyond all of the past, up to a bound', () => {
    const tail = freshTail()
    for (let row = 1; row <= 1000; row++) remember(tail, row / 1000)
    const [edge, twice, tenfold, far] = [1, 2, 10, 1e9].map((value) => surpriseOf(tail, value))
    expect(twice).toBeGreaterThan(edge ?? 0)
    expect(tenfold).toBeGreaterThan(twice ?? 0)
    expect(far).toBeLessThan((tenfold ?? 0) + 2)
  })

  it('forgets by halves, so that it can learn new habits and its counts stay bounded', () => {
    const tail = freshTail()
    for (let row = 0; row < 200_000; row++) remember(tail, 1)
    expect(tail.count).toBeLessThan(65_537)
    for (let row = 0; row < 200_000; row++) remember(tail, 5)
    expect(surpriseOf(tail, 5)).toBeLessThan(0.5)
  })
})

describe('fitted tails', () => {
  const rows = Float32Array.from({ length: 1000 }, (_, row) => row)
  const [ramp] = fitTails(rows, 1)

  it('rise towards both ends and beyond them', () => {
    if (ramp === undefined) throw new Error('no tail')
    const at = (value: number): number => tailSurprise(ramp, value)
    expect(at(500)).toBeLessThan(0.1)
    for (const value of [994, 5]) expect(Math.abs(at(value) - 2)).toBeLessThan(0.1)
    expect(at(1100)).toBeGreaterThan(at(999))
    expect(at(-100)).toBeGreaterThan(at(0))
    expect(at(Number.NaN)).toBe(0)
  })

  it('take the common value of a feature that seldom moves as ordinary, and any other as odd', () => {
    const [flat] = fitTails(new Float32Array(1000).fill(2), 1)
    const [steps] = fitTails(
      Float32Array.from({ length: 1000 }, (_, row) => (row === 0 ? 1 : 0)),
      1,
    )
    if (flat === undefined || steps === undefined) throw new Error('no tail')
    expect(tailSurprise(flat, 2)).toBe(0)
    expect(tailSurprise(flat, 3)).toBeGreaterThan(3)
    expect(tailSurprise(steps, 0)).toBe(0)
    expect(tailSurprise(steps, 1)).toBeGreaterThan(2.5)
  })

  it('refuse to be fitted on nothing', () => {
    expect(() => fitTails(new Float32Array(0), 3)).toThrow(RangeError)
  })
})

describe('detector over many measures', () => {
  const tails = fitTails(
    Float32Array.from({ length: 4000 }, (_, index) => (index * 7919) % 1000),
    4,
  )
  const forest = { score: (point: Float64Array) => 0.4 + Math.min(0.5, Math.max(...point) / 10) }

  it('scores 0 while nothing is beyond its level, and names what is', () => {
    const detector = new MultivariateDetector(tails, forest)
    for (let row = 0; row < 20; row++) expect(detector.push([500, 500, 500, 500]).score).toBe(0)
    const { score, surprises } = detector.push([500, 500, 4000, 500])
    expect(score).toBeGreaterThan(0.1)
    expect(surprises[2]).toBeGreaterThan(MULTIVARIATE_SETTINGS.level)
    expect(detector.suspects(1)).toEqual([2])
  })

  it('takes a measure that is missing as ordinary', () => {
    expect(new MultivariateDetector(tails, forest).push([Number.NaN, 500, 500, 500]).score).toBe(0)
  })

  it('goes on from its saved state as if it had never stopped', () => {
    const rows = Array.from({ length: 60 }, (_, row) => [row * 31, 500, row > 40 ? 3000 : 400, 500])
    const whole = new MultivariateDetector(tails, forest)
    const expected = rows.map((row) => whole.push(row).score)
    const first = new MultivariateDetector(tails, forest)
    for (const row of rows.slice(0, 30)) first.push(row)
    const state = JSON.parse(JSON.stringify(first.state())) as MultivariateState
    const second = new MultivariateDetector(tails, forest, MULTIVARIATE_SETTINGS, state)
    expect(rows.slice(30).map((row) => second.push(row).score)).toEqual(expected.slice(30))
  })
})
