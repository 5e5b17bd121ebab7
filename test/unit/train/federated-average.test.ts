import { describe, expect, it } from 'vitest'
import { averageDeltas, deltaOf } from '../../../central/train/federated-average.ts'
import type { Parameter } from '../../../central/train/network.ts'
import type { RegionDelta } from '../../../central/train/region-delta.ts'

const HASH = 'a'.repeat(64)
const BASE = [layer('W0', [2], [1, 2]), layer('gate', [1], [10])]

function layer(name: string, dims: number[], values: number[]): Parameter {
  return { name, dims, values: Float32Array.from(values) }
}

function delta(region: string, windows: number, w0: number[], gate: number[], base = HASH): RegionDelta {
  const layers = [layer('W0', [w0.length], w0), layer('gate', [gate.length], gate)]
  return { base, region, windows, seed: 1, epochs: 1, learningRate: 0.001, loss: 0.1, layers }
}

function valuesOf(parameters: readonly Parameter[]): number[][] {
  return parameters.map(({ values }) => [...values])
}

describe('the average of regions', () => {
  it('adds to the base the mean of the deltas, each weighed by its windows', () => {
    const { parameters, taken, refused } = averageDeltas(BASE, HASH, [
      delta('west', 1, [1, 0], [0]),
      delta('north', 3, [0, 2], [0]),
    ])
    expect(valuesOf(parameters)).toEqual([[1.25, 3.5], [10]])
    expect(taken.map(({ delta: { region }, share, norm, scale }) => [region, share, norm, scale])).toEqual([
      ['west', 0.25, 1, 1],
      ['north', 0.75, 2, 1],
    ])
    expect(refused).toEqual([])
  })

  it('cuts a delta to twice the middle length, so that one region cannot carry the model away', () => {
    const { parameters, taken } = averageDeltas(BASE, HASH, [
      delta('west', 1, [1, 0], [0]),
      delta('north', 1, [0, 2], [0]),
      delta('south', 2, [0, 0], [800]),
    ])
    expect(taken.map(({ scale }) => scale)).toEqual([1, 1, 4 / 800])
    expect(valuesOf(parameters)).toEqual([[1.25, 2.5], [12]])
  })

  it('counts windows up to four times the middle, so that no region weighs by what it says of itself', () => {
    const { parameters, taken } = averageDeltas(BASE, HASH, [
      delta('west', 1, [1, 0], [0]),
      delta('north', 1, [1, 0], [0]),
      delta('south', 1e12, [0, 0], [1]),
    ])
    expect(taken.map(({ share }) => share)).toEqual([1 / 6, 1 / 6, 4 / 6])
    expect(valuesOf(parameters)).toEqual([[Math.fround(4 / 3), 2], [Math.fround(10 + 2 / 3)]])
  })

  it('of one region is what that region trained', () => {
    const trained = [layer('W0', [2], [3, -1]), layer('gate', [1], [10.5])]
    const [w0, gate] = deltaOf(trained, BASE)
    const { parameters } = averageDeltas(BASE, HASH, [
      delta('west', 7, [...(w0?.values ?? [])], [...(gate?.values ?? [])]),
    ])
    expect(valuesOf(parameters)).toEqual(valuesOf(trained))
  })

  it.each<[string, RegionDelta, string]>([
    [
      'of another base',
      delta('south', 5, [1, 1], [1], 'b'.repeat(64)),
      'it was trained from other weights (bbbbbbbbbbbb…)',
    ],
    ['with NaN', delta('south', 5, [1, Number.NaN], [1]), 'W0 holds numbers that are not finite'],
    [
      'with infinity',
      delta('south', 5, [1, 1], [Number.NEGATIVE_INFINITY]),
      'gate holds numbers that are not finite',
    ],
    ['of another shape', delta('south', 5, [1, 1, 1], [1]), 'W0 must be [2], but is [3]'],
    ['without windows', delta('south', 0, [1, 1], [1]), 'windows must be a whole number from 1, but is 0'],
    ['without change', delta('south', 5, [0, 0], [0]), 'it changes nothing'],
    ['that came already', delta('west', 5, [1, 1], [1]), 'another delta of this region was taken'],
    [
      'with a layer too few',
      { ...delta('south', 5, [1, 1], [1]), layers: [layer('W0', [2], [1, 1])] },
      'it has 1 layers, the model 2',
    ],
    [
      'with a layer the model has not',
      { ...delta('south', 5, [1, 1], [1]), layers: [layer('W0', [2], [1, 1]), layer('notes', [1], [1])] },
      'the model has no layer notes',
    ],
  ])('leaves out a delta %s, with the reason', (_, bad, reason) => {
    const { parameters, taken, refused } = averageDeltas(BASE, HASH, [delta('west', 1, [1, 0], [0]), bad])
    expect(valuesOf(parameters)).toEqual([[2, 2], [10]])
    expect(taken.map(({ delta: { region } }) => region)).toEqual(['west'])
    expect(refused).toEqual([{ region: bad.region, reason: expect.stringContaining(reason) }])
  })

  it('is refused when no delta is left', () => {
    expect(() => averageDeltas(BASE, HASH, [delta('south', 0, [1, 1], [1])])).toThrow(
      'no delta is left to average: south: windows must be a whole number from 1, but is 0',
    )
    expect(() => averageDeltas(BASE, HASH, [])).toThrow('no delta is left to average')
  })
})
