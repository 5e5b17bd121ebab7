import { describe, expect, it } from 'vitest'
import { normal } from '../../../central/train/sampling.ts'
import { raiseForecast, riseOf } from '../../../contract/model/rise.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 5
const FLAT = { p10: 480, p50: 500, p90: 520 }
const forecast = { in5: FLAT, in15: FLAT, in60: FLAT }

/** An hour at 500 RPS with noise (a share of the rate), and at its end `rates`. */
function hour(rates: readonly number[], noise = 0.03): number[] {
  const random = seededRandom(SEED)
  const before = Array.from({ length: 60 - rates.length }, () => 500)
  return [...before, ...rates].map((rate) => rate * (1 + noise * normal(random)))
}

const doubling = (minutes: number, size: number) =>
  Array.from({ length: size }, (_, at) => 500 * 2 ** ((at + 1) / minutes))

describe(`rises (noise of seed ${SEED})`, () => {
  it('finds a rise by factors after three minutes, and how fast it goes', () => {
    const rise = riseOf(hour(doubling(4, 4)), 60)
    expect(rise?.form).toBe('factors')
    expect(rise?.slope).toBeCloseTo(Math.LN2 / 4, 1)
    expect(rise?.elapsed).toBeGreaterThanOrEqual(2)
  })

  it('tells a rise by equal amounts from one by factors', () => {
    const rise = riseOf(
      hour(
        Array.from({ length: 12 }, (_, at) => 500 + 400 * (at + 1)),
        0.005,
      ),
      60,
    )
    expect(rise?.form).toBe('amounts')
    expect(rise?.slope).toBeGreaterThan(300)
    expect(rise?.slope).toBeLessThan(500)
  })

  it('sees none in noise, after a single jump, in what makes up for a fall, or when the rise is over', () => {
    expect(riseOf(hour([], 0.3), 60)).toBeNull()
    expect(riseOf(hour([500, 4000]), 60)).toBeNull()
    expect(riseOf(hour([50, 100, 200, 300, 400, 500]), 60)).toBeNull()
    expect(riseOf(hour([...doubling(3, 6), ...Array.from({ length: 15 }, () => 2000)]), 60)).toBeNull()
  })

  it('leaves a forecast without a rise as it is', () => {
    expect(raiseForecast(forecast, { rps: hour([]), stepS: 60 })).toEqual(forecast)
  })

  it('follows a rise for half the time at p50 and for longer, more steeply, at p90; tells nothing of the hour', () => {
    const rps = hour(doubling(4, 8))
    const raised = raiseForecast(forecast, { rps, stepS: 60 })
    const now = rps.at(-1) ?? 0
    expect(raised.in5.p10).toBe(FLAT.p10)
    expect(raised.in5.p50 / (now * 2 ** (2.5 / 4))).toBeGreaterThan(0.85)
    expect(raised.in5.p50 / (now * 2 ** (2.5 / 4))).toBeLessThan(1.15)
    expect(raised.in5.p90).toBeGreaterThan(1.3 * raised.in5.p50)
    expect(raised.in15.p50).toBeLessThan(now * 2 ** (9 / 4))
    expect(raised.in60).toEqual(FLAT)
  })

  it('is silent on a history with gaps at its end, and with nothing in it', () => {
    expect(riseOf([...hour(doubling(4, 6)).slice(0, -1), Number.NaN], 60)).toBeNull()
    expect(
      riseOf(
        Array.from({ length: 60 }, () => 0),
        60,
      ),
    ).toBeNull()
    expect(
      riseOf(
        Array.from({ length: 60 }, () => Number.NaN),
        60,
      ),
    ).toBeNull()
  })
})
