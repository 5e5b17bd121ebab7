import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { messageOf } from '../../contract/errors.ts'
import { type ModelManifest, parseManifest, type TraceError } from '../../contract/model/manifest.ts'
import { adaptTo } from './adapt-to.node.ts'
import { describeForest, describeModels } from './describe-models.node.ts'
import { errorTable } from './error-table.ts'
import { evaluateTrace, readBaselines } from './evaluate.node.ts'
import { parseExamples } from './examples.ts'
import { exportModel } from './export.ts'
import { runFederated } from './federated.node.ts'
import { FEDERATED_HELP, parseFederatedOptions } from './federated-options.ts'
import { ForecastSession } from './forecast-session.node.ts'
import { furtherSources } from './further-sources.ts'
import { FORECASTER_SHAPE } from './network.ts'
import { compareForms } from './quantisation.node.ts'
import { allTraces, dataFolder, type Trace, trainingTraces } from './traces.node.ts'
import { trainForecaster } from './train-forecaster.node.ts'
import { trainAnomalyForest } from './train-forest.node.ts'
import { HELP, parseTrainOptions, type TrainOptions } from './train-options.ts'

const FULL = {
  batch: 64,
  learningRate: 1.5e-3,
  generated: { series: 300, days: 14 },
  forest: { trees: 100, subsample: 256, sites: 160, ticks: 4000 },
}
const QUICK = {
  ...FULL,
  generated: { series: 20, days: 3 },
  forest: { ...FULL.forest, sites: 10, ticks: 1000 },
}

async function train(options: TrainOptions): Promise<void> {
  const { seed, epochs, out, quick } = options
  const report = (line: string) => console.log(line)
  const { batch, learningRate, generated, forest: forestOptions } = quick ? QUICK : FULL
  const folder = dataFolder()
  const traces = folder === null ? [] : trainingTraces(folder)
  report(
    traces.length === 0
      ? 'no recorded traces found (ATLAS_DATA, ../shared/data): training on generated traffic alone'
      : `recorded traces from ${folder}: ${traces.map(({ name }) => name).join(', ')}`,
  )
  const examples = options.examples.flatMap((file) => parseExamples(file, readFileSync(file, 'utf8')))
  if (examples.length > 0) report(`recorded incidents: ${examples.length}`)
  const further = furtherSources([], examples)
  const training = { seed, epochs, batch, learningRate, generated, traces, further, report }
  const trained = await trainForecaster(training)
  const [model, full] = (['int8', 'fp32'] as const).map((form) =>
    exportModel(FORECASTER_SHAPE, trained.parameters, form),
  ) as [Uint8Array, Uint8Array]
  const quantisation = await compareForms(model, full, trained.sources, seed)
  report(`int8 against fp32: largest difference ${quantisation.maxAbs}, mean ${quantisation.meanAbs}`)

  const session = await ForecastSession.open(model)
  const errors = folder === null ? [] : await evaluate(session, folder, traces, quick, report)
  const forest = trainAnomalyForest({ seed, ...forestOptions, report })
  const manifest = await describeModels({
    model,
    session,
    training,
    trained,
    quantisation,
    errors,
    forest,
    command: commandOf(options),
  })
  await session.release()
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, manifest.forecaster.file.path), model)
  writeFileSync(join(out, manifest.forest.file.path), forest.bytes)
  writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  if (errors.length > 0) report(errorTable(errors))
  report(
    `wrote ${out}: ${manifest.forecaster.name}, ${model.length} bytes; forest ${forest.bytes.length} bytes\nnext: npm run atlasctl -- model put ${join(out, manifest.forecaster.file.path)}`,
  )
}

/** Trains the forest, and puts it beside the forecaster that is there. */
function forestAlone({ seed, out, quick }: TrainOptions): string {
  const file = join(out, 'manifest.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as ModelManifest
  const { forest: options } = quick ? QUICK : FULL
  const forest = trainAnomalyForest({ seed, ...options, report: (line) => console.log(line) })
  const described = parseManifest({ ...manifest, forest: describeForest(forest) })
  writeFileSync(join(out, described.forest.file.path), forest.bytes)
  writeFileSync(file, `${JSON.stringify(described, null, 2)}\n`)
  return `${described.forest.file.path} and manifest.json into ${out}`
}

async function evaluate(
  session: ForecastSession,
  folder: string,
  trainedOn: readonly Trace[],
  quick: boolean,
  report: (line: string) => void,
): Promise<TraceError[]> {
  const baselines = readBaselines(folder)
  const known = new Set(trainedOn.map(({ name }) => name))
  const errors: TraceError[] = []
  for (const trace of allTraces(folder).slice(0, quick ? 2 : undefined)) {
    report(`measuring on ${trace.name}`)
    errors.push(await evaluateTrace(session, trace, known.has(trace.name) ? 'fit part' : 'never', baselines))
  }
  return errors
}

function commandOf({ seed, epochs, quick, examples }: TrainOptions): string {
  const files = examples.map((file) => ` --examples ${basename(file)}`).join('')
  return `npm run train -- --seed ${seed} --epochs ${epochs}${files}${quick ? ' --quick' : ''}`
}

async function federated(kind: 'region' | 'average', args: string[]): Promise<void> {
  const options = parseFederatedOptions(kind, args)
  if (options === null) console.log(FEDERATED_HELP)
  else await runFederated(options, console.log)
}

try {
  const [word, ...rest] = process.argv.slice(2)
  const apart = word === 'region' || word === 'average'
  const options = apart ? null : parseTrainOptions(process.argv.slice(2))
  if (apart) await federated(word, rest)
  else if (options === null) console.log(HELP)
  else if (options.forest) console.log(`wrote ${forestAlone(options)}`)
  else if (options.on !== undefined) console.log(`wrote ${await adaptTo({ ...options, on: options.on })}`)
  else await train(options)
} catch (thrown) {
  console.error(`train: ${messageOf(thrown)}`)
  process.exitCode = 1
}
