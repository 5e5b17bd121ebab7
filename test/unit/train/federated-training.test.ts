import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { REGIONS, regionTraffic } from '../../../central/eval/federated-regions.ts'
import { type FederatedScore, scoreModel } from '../../../central/eval/federated-score.ts'
import { exportModel } from '../../../central/train/export.ts'
import { parseFederatedOptions } from '../../../central/train/federated-options.ts'
import { type FederatedTraining, federate, trainAlone } from '../../../central/train/federated-rounds.node.ts'
import { FORECASTER_SHAPE, initialParameters } from '../../../central/train/network.ts'
import { readWeights } from '../../../central/train/onnx-weights.ts'
import { seededRandom } from '../../../contract/ports.ts'

const SEED = 7
const SMALL = { ...FORECASTER_SHAPE, hidden: [8] }
const base = initialParameters(SMALL, seededRandom(SEED))

describe('weights to train on from', () => {
  it('are those that an fp32 form was made of', () => {
    expect(readWeights(exportModel(SMALL, base, 'fp32'), SMALL)).toEqual(base)
  })

  it('of an int8 form are within half a step of it, and make the same file again', () => {
    const int8 = exportModel(SMALL, base, 'int8')
    const read = readWeights(int8, SMALL)
    for (const [index, { name, values }] of read.entries()) {
      const exact = base[index]?.values ?? new Float32Array(0)
      const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      const halfStep = /^[WR]/.test(name) ? largest / 254 + 1e-7 : 0
      values.forEach((value, at) => {
        expect(Math.abs(value - (exact[at] ?? Number.NaN))).toBeLessThanOrEqual(halfStep)
      })
    }
    expect(exportModel(SMALL, read, 'int8')).toEqual(int8)
  })

  it('are found in the shipped model', () => {
    const shipped = new Uint8Array(readFileSync(new URL('../../../models/forecaster.onnx', import.meta.url)))
    expect(exportModel(FORECASTER_SHAPE, readWeights(shipped, FORECASTER_SHAPE), 'int8')).toEqual(shipped)
  })

  it('of a model of another form are refused by name and size', () => {
    const other = exportModel(SMALL, base, 'fp32')
    expect(() => readWeights(other, FORECASTER_SHAPE)).toThrow(
      "the model's W0 must hold 9728 numbers [512, 19], but holds 608",
    )
    expect(() => readWeights(Uint8Array.of(255, 255, 255), SMALL)).toThrow('no ONNX file')
  })
})

describe(`three regions with a rare event each (seed ${SEED})`, () => {
  const training: FederatedTraining = {
    shape: SMALL,
    base,
    regions: REGIONS.map((region, at) => ({
      region: region.name,
      series: regionTraffic(region, region.event, 7, seededRandom(SEED + at)).series,
    })),
    rounds: 3,
    windowsPerEpoch: 1280,
    learningRate: 0.01,
    seed: SEED,
    report: () => {},
  }
  const test = { days: 1, seed: SEED }
  let average: FederatedScore
  const alone = new Map<string, FederatedScore>()

  beforeAll(async () => {
    average = await scoreModel(SMALL, await federate(training), test)
    for (const one of training.regions)
      alone.set(one.region, await scoreModel(SMALL, await trainAlone(training, [one]), test))
  }, 120_000)

  it('know of each other’s events, by the average, more than each alone', () => {
    for (const [region, score] of alone)
      expect(againstForeign(average, score, region), region).toBeLessThan(1)
  })

  it('keep ordinary traffic as well forecast as the worst of them alone', () => {
    const error = (score: FederatedScore | undefined) => score?.['ordinary.5']?.wape ?? Number.NaN
    expect(error(average)).toBeLessThan(Math.max(...[...alone.values()].map(error)))
  })

  it('give the same weights again from the same seed', { timeout: 60_000 }, async () => {
    const once = { ...training, rounds: 1, windowsPerEpoch: 64 }
    const [west] = training.regions
    const weights = (seed: number) => trainAlone({ ...once, seed }, west === undefined ? [] : [west])
    const first = await weights(SEED)
    expect(await weights(SEED)).toEqual(first)
    expect(await weights(SEED + 1)).not.toEqual(first)
  })
})

/** One model's error over another's, the geometric mean over events that a region has not seen, at +5 and +15 min. */
function againstForeign(ours: FederatedScore, theirs: FederatedScore, region: string): number {
  const foreign = REGIONS.filter(({ name }) => name !== region).map(({ event }) => event.name)
  const cells = foreign.flatMap((event) => [`${event}.5`, `${event}.15`])
  const logs = cells.map((cell) =>
    Math.log((ours[cell]?.wape ?? Number.NaN) / (theirs[cell]?.wape ?? Number.NaN)),
  )
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / cells.length)
}

describe('flags of training in regions', () => {
  it('name the region, its files and where the delta goes', () => {
    expect(parseFederatedOptions('region', ['eu', 'a.csv', 'b.csv', '--rate', '0.01'])).toMatchObject({
      kind: 'region',
      region: 'eu',
      files: ['a.csv', 'b.csv'],
      epochs: 1,
      learningRate: 0.01,
      out: 'eu.safetensors',
    })
    expect(parseFederatedOptions('average', ['a', 'b', '--out', 'x', '--base', 'y'])).toEqual({
      kind: 'average',
      deltas: ['a', 'b'],
      base: 'y',
      out: 'x',
    })
    expect(parseFederatedOptions('region', ['--help'])).toBeNull()
  })

  it.each([
    ['region', ['eu'], 'region needs a name and at least one file'],
    ['region', ['E U', 'a.csv'], 'region "E U" must be a name of a-z, 0-9 and -'],
    ['region', ['eu', 'a.csv', '--rate', '2'], '--rate must be a number from 0.000001 to 0.1, but is 2'],
    [
      'region',
      ['eu', 'a.csv', '--epochs', '1.5'],
      '--epochs must be a whole number from 1 to 1000, but is 1.5',
    ],
    ['average', ['a'], 'average needs --out DIR'],
    ['average', ['--out', 'x'], 'average needs the files'],
    ['average', ['a', '--out', 'x', '--epochs', '2'], '--epochs is an option of region'],
  ] as const)('are refused with the reason: %s %j', (kind, args, message) => {
    expect(() => parseFederatedOptions(kind, [...args])).toThrow(message)
  })
})
