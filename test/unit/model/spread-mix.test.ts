import { describe, expect, it } from 'vitest'
import { normal } from '../../../central/train/sampling.ts'
import { SpreadMix, type SpreadMixState } from '../../../contract/model/spread-mix.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 5
const DOUBT = 100
const EVEN = [1 / 3, 1 / 3, 1 / 3]

describe(`a mix of experts (seed ${SEED})`, () => {
  it('comes to follow the expert that errs least', () => {
    const random = seededRandom(SEED)
    const mix = new SpreadMix(EVEN, DOUBT)
    let late = 0
    for (let step = 0; step < 2000; step++) {
      const actual = 100 + 10 * normal(random)
      const answers = [actual + normal(random), actual + 8, actual - 12]
      const mixed = mix.mix(answers)
      if (step >= 1000) late += Math.abs(mixed.answer - actual) / 1000
      mix.learn(answers, mixed, actual)
    }
    expect(late).toBeLessThan(1)
  })

  it('does not let quiet hours choose for surges', () => {
    const mix = new SpreadMix(EVEN, DOUBT)
    const isSurge = (step: number) => step % 100 >= 90
    let surges = 0
    for (let step = 0; step < 4000; step++) {
      const actual = isSurge(step) ? 500 : 100
      // the first is right when all is quiet, the second when it is not, the third never
      const answers = isSurge(step) ? [100, 500, 250] : [100, 104, 90]
      const mixed = mix.mix(answers)
      if (isSurge(step) && step >= 3000) surges += Math.abs(mixed.answer - actual) / 100
      mix.learn(answers, mixed, actual)
    }
    expect(surges).toBeLessThan(20)
  })

  it('leaves out what does not know, and knows nothing where none does', () => {
    const mix = new SpreadMix(EVEN, DOUBT)
    expect(mix.mix([Number.NaN, 7, 7]).answer).toBe(7)
    expect(mix.mix([Number.NaN, Number.NaN, Number.NaN]).answer).toBeNaN()
  })

  it('goes on from its state, and begins anew with other experts', () => {
    const mix = new SpreadMix(EVEN, DOUBT)
    for (let step = 0; step < 300; step++) {
      const answers = [100, 110, 130]
      mix.learn(answers, mix.mix(answers), 100)
    }
    const state = JSON.parse(JSON.stringify(mix.state())) as SpreadMixState
    expect(new SpreadMix(EVEN, DOUBT, state).mix([1, 2, 3])).toEqual(mix.mix([1, 2, 3]))
    expect(new SpreadMix([0.5, 0.5], DOUBT, state).mix([1, 3]).answer).toBe(2)
  })
})
