import { describe, expect, it } from 'vitest'
import { parseAdapted } from '../../../contract/model/adapted.ts'
import { sumOfTrees } from '../../../contract/model/boosted-trees.ts'

/** One tree that asks whether the first rate is above 3. */
const trees = { base: 1, roots: [0], feature: [0, -1, -1], value: [3, -0.5, 0.25], left: [1, 0, 0] }

function document(changed: Partial<typeof trees> = {}, trust = [0.5, 0.5]) {
  const regressions = [{ reads: 'lags', answers: 'relative', trees: { ...trees, ...changed } }]
  return { v: 1, stepS: 60, horizons: { in60: { regressions, trust } } }
}

function faultsOf(adapted: unknown): readonly string[] {
  try {
    parseAdapted(adapted)
    return []
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'model/unreadable' })
    return (thrown as { faults: { path: string; message: string }[] }).faults.map(
      ({ path, message }) => `${path}: ${message}`,
    )
  }
}

describe('the adapted forecaster of a series', () => {
  it('is taken as it was written, and answers', () => {
    const adapted = parseAdapted(JSON.parse(JSON.stringify(document())))
    expect(adapted).toEqual(document())
    const regression = adapted.horizons.in60?.regressions[0]
    expect(regression?.trees && sumOfTrees(regression.trees, [4])).toBe(1.25)
  })

  it('is refused where a walk down a tree would not end, or would leave it', () => {
    const where = 'horizons.in60.regressions.0.trees: '
    expect(faultsOf(document({ left: [0, 0, 0] }))).toEqual([
      `${where}node 0 must lead to two nodes after it, but leads to 0`,
    ])
    expect(faultsOf(document({ left: [2, 0, 0] }))).toEqual([
      `${where}node 0 must lead to two nodes after it, but leads to 2`,
    ])
    expect(faultsOf(document({ roots: [3] }))).toEqual([
      `${where}roots must lie below 3, the number of nodes`,
    ])
    expect(faultsOf(document({ value: [3] }))[0]).toMatch(/equally long, but have 3, 1 and 3/)
  })

  it('is refused where a regression reads other numbers than this build has, or says nothing', () => {
    const where = 'horizons.in60.regressions.0: '
    expect(faultsOf(document({ feature: [61, -1, -1] }))).toEqual([
      `${where}must read 61 numbers, as this build's lags`,
    ])
    const saying = (part: object) => {
      const regressions = [{ reads: 'linear', answers: 'missed', ...part }]
      return { v: 1, stepS: 60, horizons: { in5: { regressions, trust: [0.5, 0.5] } } }
    }
    expect(faultsOf(saying({ line: { base: 0, weights: [1] } }))[0]).toMatch(/must read 92 numbers/)
    expect(faultsOf(saying({}))[0]).toMatch(/must have trees, or a line, or both/)
    expect(faultsOf(saying({ line: { base: 0, weights: Array.from({ length: 92 }, () => 0) } }))).toEqual([])
  })

  it('is refused with another version, an unknown field, or trust that does not fit its regressions', () => {
    expect(faultsOf({ ...document(), v: 2 })[0]).toMatch(/^v: /)
    expect(faultsOf({ ...document(), seed: 1 })).toHaveLength(1)
    expect(faultsOf(document({}, [1]))[0]).toMatch(/^horizons.in60: trust must have one number/)
    expect(faultsOf(null)).toHaveLength(1)
  })
})
