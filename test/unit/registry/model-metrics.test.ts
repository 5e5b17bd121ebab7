import { describe, expect, it } from 'vitest'
import { trafficShift } from '../../../central/server/model-metrics.ts'
import { seededRandom } from '../../../contract/ports.ts'

/** Traffic around 100 that moves by up to `swing` from minute to minute. */
function traffic(minutes: number, swing: number, random = seededRandom(3)): number[] {
  return Array.from({ length: minutes }, () => 100 * (1 + swing * (random.next() - 0.5)))
}

describe('shift of the traffic', () => {
  it('is small while traffic moves as it did', () => {
    expect(trafficShift(traffic(360, 0.2))).toBeLessThan(0.25)
  })

  it('is large once it moves otherwise', () => {
    expect(trafficShift([...traffic(300, 0.2), ...traffic(60, 1.5)])).toBeGreaterThan(0.5)
    expect(trafficShift([...traffic(300, 0.2), ...new Array(60).fill(100)])).toBeGreaterThan(0.5)
  })

  it('is not told of too short a past', () => {
    expect(trafficShift(traffic(200, 0.2))).toBeNull()
  })
})
