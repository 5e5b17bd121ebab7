import { readFileSync } from 'node:fs'
import { seededRandom } from '../../contract/ports.ts'
import { type FederatedTraining, federate, trainAlone } from '../train/federated-rounds.node.ts'
import { FORECASTER_SHAPE, type Parameter } from '../train/network.ts'
import { readWeights } from '../train/onnx-weights.ts'
import { REGIONS, regionTraffic } from './federated-regions.ts'
import { CELLS, cellsWon, type FederatedScore, scoreModel } from './federated-score.ts'
import { type EvalOptions, markdownTable, type Result } from './report.ts'

const MODEL = new URL('../../models/forecaster.onnx', import.meta.url)
const SEED = 1
const FULL = { rounds: 5, windowsPerEpoch: 2560, testDays: 5 }
const QUICK = { rounds: 2, windowsPerEpoch: 640, testDays: 2 }
const TRAIN_DAYS = 14
const LEARNING_RATE = 1e-3

/**
 * Federated averaging over three regions whose traffic differs and of which each alone has seen one kind of rare event: WAPE
 * of the shipped forecaster, of each region's own training from it, of the average, and of one trained on all traffic
 * together, in each kind of event (in the traffic of all three regions, unseen days) and in ordinary traffic. Needs no data.
 */
export default async function* evalFederated({ quick, log, print }: EvalOptions): AsyncIterable<Result> {
  const { rounds, windowsPerEpoch, testDays } = quick ? QUICK : FULL
  const base = readWeights(new Uint8Array(readFileSync(MODEL)), FORECASTER_SHAPE)
  const regions = REGIONS.map((region, at) => ({
    region: region.name,
    series: regionTraffic(region, region.event, TRAIN_DAYS, seededRandom(100 * SEED + at)).series,
  }))
  const training: FederatedTraining = {
    shape: FORECASTER_SHAPE,
    base,
    regions,
    rounds,
    windowsPerEpoch,
    learningRate: LEARNING_RATE,
    seed: SEED,
    report: log,
  }
  const models: Record<string, readonly Parameter[]> = { shipped: base }
  for (const one of regions) {
    models[one.region] = await trainAlone(training, [one])
    log(`${one.region} alone: trained`)
  }
  models.global = await federate(training)
  if (!quick) models.together = await trainAlone(training, regions)
  const scores: Record<string, FederatedScore> = {}
  for (const [name, parameters] of Object.entries(models)) {
    scores[name] = await scoreModel(FORECASTER_SHAPE, parameters, { days: testDays, seed: SEED })
    log(`${name}: measured`)
  }
  print(tableOf(scores))
  for (const [model, score] of Object.entries(scores))
    for (const [cell, { wape, n }] of Object.entries(score))
      yield { key: `federated.wape.${cell}.${model}`, value: wape, unit: '%', n }
  const { shipped = {}, global = {} } = scores
  for (const [key, won] of [
    ['shipped', cellsWon(global, shipped)],
    ...REGIONS.map(({ name }) => [name, cellsWon(global, scores[name] ?? {}, name)] as const),
  ] as const) {
    const events = key === 'shipped' ? 'events' : 'events that it has not seen'
    print(`The average is better than ${key} in ${won[0]} of ${won[1]} cells of ${events}.`)
    yield { key: `federated.better.${key}`, value: won[0], unit: 'cells', n: won[1] }
  }
}

function tableOf(scores: Readonly<Record<string, FederatedScore>>): string {
  const head = ['trained on', ...CELLS.map((cell) => cell.replace('.', ' +'))]
  const rows = Object.entries(scores).map(([model, score]) => [
    model,
    ...CELLS.map((cell) => score[cell]?.wape ?? Number.NaN),
  ])
  return `${markdownTable(head, rows, 1)}\n`
}
