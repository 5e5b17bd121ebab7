import { describe, expect, it } from 'vitest'
import {
  inputOf,
  type Moment,
  numberFor,
  REGRESSION_ANSWERS,
  REGRESSION_INPUTS,
  type RegressionInput,
  ratesOf,
} from '../../../contract/model/regression.ts'
import { seasonalView } from '../../../contract/model/seasonal-features.ts'
import { SeasonalMemory } from '../../../contract/model/seasonal-memory.ts'

const LEVEL = 100
const quantiles = { p10: 80, p50: 110, p90: 130 }

/** A window that rises, of a series whose past is not known. */
function moment(): Moment {
  const rps = Array.from({ length: 60 }, (_, at) => 70 + at)
  const history = { name: 'total', stepS: 60, endMs: Date.UTC(2026, 0, 10, 6), rps, errorRate: [] }
  const view = seasonalView(history, new SeasonalMemory(60), LEVEL, 300)
  const reference = { in5: quantiles, in15: quantiles, in60: quantiles }
  return { history, view, reference, key: 'in5', level: LEVEL }
}

describe('a regression of one horizon', () => {
  it('reads as many numbers as are told, and says the rate that it was fitted to, whatever it answers', () => {
    for (const reads of Object.keys(REGRESSION_INPUTS) as RegressionInput[]) {
      expect(inputOf(reads, moment())).toHaveLength(REGRESSION_INPUTS[reads])
      for (const answers of REGRESSION_ANSWERS) {
        const trees = { base: numberFor(250, answers, moment()), roots: [], feature: [], value: [], left: [] }
        expect(ratesOf([{ reads, answers, trees }], moment())[0]).toBeCloseTo(250, 9)
      }
    }
  })

  it('adds what its line says to what its trees say, counts what is not known as at the level, and is never below 0', () => {
    const weights = Array.from({ length: REGRESSION_INPUTS.linear }, () => 0)
    const line = { base: 5, weights: weights.with(59, 10).with(70, 1000) }
    const trees = { base: 20, roots: [], feature: [], value: [], left: [] }
    const lastRelative = 2 * Math.log((1 + 129 / LEVEL) / 2)
    const [together, below] = ratesOf(
      [
        { reads: 'linear', answers: 'rate', trees, line },
        { reads: 'linear', answers: 'rate', trees: { ...trees, base: -20 } },
      ],
      moment(),
    )
    expect(together).toBeCloseTo(25 + 10 * lastRelative, 9)
    expect(below).toBe(0)
  })
})
