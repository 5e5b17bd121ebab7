import { describe, expect, it } from 'vitest'
import { normal } from '../../../central/train/sampling.ts'
import { OnlineLinear, type OnlineLinearState } from '../../../contract/model/online-linear.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 3

/** As kept in JSON, where NaN is null. */
function revived(state: OnlineLinearState): OnlineLinearState {
  return JSON.parse(JSON.stringify(state), (_, value) => value ?? Number.NaN) as OnlineLinearState
}

describe(`a linear regression that learns as it goes (seed ${SEED})`, () => {
  it('finds the weights in spite of outliers, and answers nothing before it has learnt', () => {
    const random = seededRandom(SEED)
    const linear = new OnlineLinear(3)
    expect(linear.answer([1, 1, 1])).toBe(0)
    for (let step = 0; step < 20_000; step++) {
      const features = [0.3 * normal(random), 0.3 * normal(random), 0.3]
      const [a = 0, b = 0, c = 0] = features
      const outlier = random.next() < 0.05 ? 2 : 0
      linear.learn(features, 0.8 * a - 0.5 * b + 0.2 * c + 0.1 * normal(random) + outlier, 1)
    }
    expect(linear.answer([0.5, 0, 0])).toBeCloseTo(0.4, 1)
    expect(linear.answer([0, 0.5, 0])).toBeCloseTo(-0.25, 1)
  })

  it('follows weights that change', () => {
    const random = seededRandom(SEED)
    const linear = new OnlineLinear(1)
    for (let step = 0; step < 40_000; step++) {
      const a = 0.3 * normal(random)
      linear.learn([a], (step < 20_000 ? 1 : -1) * a + 0.1 * normal(random), 1)
    }
    expect(linear.answer([0.5])).toBeLessThan(-0.1)
  })

  it('goes on from its state as if there had been no break', () => {
    const random = seededRandom(SEED)
    const one = new OnlineLinear(2)
    let other = new OnlineLinear(2)
    for (let step = 0; step < 200; step++) {
      const features = [normal(random), normal(random)]
      const target = normal(random)
      if (step % 20 === 0) other = new OnlineLinear(2, revived(other.state()))
      one.learn(features, target, 1)
      other.learn(features, target, 1)
    }
    expect(other.state()).toEqual(one.state())
  })
})
