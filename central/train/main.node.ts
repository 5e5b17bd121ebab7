import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { ANOMALY_FEATURES } from '../../contract/model/anomaly-features.ts'
import { FORECAST_FEATURES, readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import { type ModelManifest, parseManifest, type TraceError } from '../../contract/model/manifest.ts'
import { selfCheckHistory } from '../../contract/model/self-check.ts'
import { HORIZONS_MIN, QUANTILE_LEVELS } from '../../contract/model/series.ts'
import { errorTable } from './error-table.ts'
import { evaluateTrace, PROTOCOL, readBaselines } from './evaluate.node.ts'
import { exportModel, INPUT_NAME, OUTPUT_NAME } from './export.ts'
import { ForecastSession } from './forecast-session.node.ts'
import { FORECASTER_SHAPE } from './network.ts'
import { compareForms } from './quantisation.node.ts'
import { allTraces, dataFolder, FIT_SHARE, type Trace, trainingTraces } from './traces.node.ts'
import { type TrainedForecaster, trainForecaster } from './train-forecaster.node.ts'
import { CONTAMINATION, trainAnomalyForest } from './train-forest.node.ts'

const HELP = `Trains the forecaster and the anomaly forest, measures them, and writes models/.

  npm run train -- [--seed 1] [--epochs 20] [--out models] [--quick]

  --seed N     seed of everything random; the same seed gives the same files on the same machine (default 1)
  --epochs N   passes of 10,240 windows (default 20; about 7 s each on one free core)
  --out DIR    where forecaster.onnx, forest.bin and manifest.json go (default models/ of the repository)
  --quick      one epoch on little generated traffic, two traces measured: tries the whole way, the models are poor

Recorded traces are read from $ATLAS_DATA or ../shared/data; without them it trains on generated traffic alone.`

const BATCH = 64
const LEARNING_RATE = 1.5e-3
const SELF_CHECK_SEEDS = [1, 2, 3, 4]
const SELF_CHECK_TOLERANCE = 0.01

interface Options {
  readonly seed: number
  readonly epochs: number
  readonly out: string
  readonly quick: boolean
}

function parseOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      epochs: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('../../models', import.meta.url)) },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return null
  const whole = (name: string, text: string, low: number): number => {
    const number = Number(text)
    if (Number.isInteger(number) && number >= low && number <= 0xffffffff) return number
    throw new AtlasError('config/invalid', `--${name} must be a whole number from ${low}, but is ${text}`)
  }
  return {
    seed: whole('seed', values.seed, 0),
    epochs: whole('epochs', values.epochs ?? (values.quick ? '1' : '20'), 1),
    out: values.out,
    quick: values.quick,
  }
}

async function train(options: Options): Promise<void> {
  const { seed, epochs, out, quick } = options
  const report = (line: string) => console.log(line)
  const folder = dataFolder()
  const traces = folder === null ? [] : trainingTraces(folder)
  report(
    traces.length === 0
      ? 'no recorded traces found (ATLAS_DATA, ../shared/data): training on generated traffic alone'
      : `recorded traces from ${folder}: ${traces.map(({ name }) => name).join(', ')}`,
  )
  const trained = await trainForecaster({
    seed,
    epochs,
    batch: BATCH,
    learningRate: LEARNING_RATE,
    generated: quick ? { series: 20, days: 3 } : { series: 300, days: 14 },
    traces,
    report,
  })
  const model = exportModel(FORECASTER_SHAPE, trained.parameters, 'int8')
  const quantisation = await compareForms(
    model,
    exportModel(FORECASTER_SHAPE, trained.parameters, 'fp32'),
    trained.sources,
    seed,
  )
  report(`int8 against fp32: largest difference ${quantisation.maxAbs}, mean ${quantisation.meanAbs}`)

  const session = await ForecastSession.open(model)
  const errors = folder === null ? [] : await evaluate(session, folder, traces, quick, report)
  const selfCheck = { cases: await selfCheckCases(session), tolerance: SELF_CHECK_TOLERANCE }
  await session.release()
  const forest = trainAnomalyForest({
    seed,
    trees: 100,
    subsample: 256,
    sites: quick ? 10 : 160,
    ticks: quick ? 1000 : 4000,
    report,
  })

  const manifest = parseManifest({
    v: 1,
    forecaster: {
      name: `lstm-${FORECASTER_SHAPE.hidden.join('-')}-${sha256(model).slice(0, 8)}`,
      file: fileOf('forecaster.onnx', model),
      opset: 17,
      form: 'int8 weights, DequantizeLinear, LSTM',
      hidden: FORECASTER_SHAPE.hidden,
      parameters: trained.parameters.reduce((sum, { values }) => sum + values.length, 0),
      input: { name: INPUT_NAME, shape: ['n', FORECASTER_SHAPE.lookback, FORECASTER_SHAPE.features] },
      output: { name: OUTPUT_NAME, shape: ['n', FORECASTER_SHAPE.outputs] },
      features: FORECAST_FEATURES,
      horizonsMin: HORIZONS_MIN,
      quantiles: QUANTILE_LEVELS,
      training: trainingOf(trained, traces, options),
      quantisation,
      selfCheck,
      protocol: PROTOCOL,
      errors,
    },
    forest: {
      file: fileOf('forest.bin', forest.bytes),
      trees: forest.forest.trees.length,
      depth: forest.forest.depth,
      subsample: forest.forest.subsample,
      features: ANOMALY_FEATURES,
      training: {
        seed,
        points: forest.points,
        remark: `generated traffic with ${CONTAMINATION * 100} % of disturbed ticks; calibrated on as many normal ticks of other generated sites`,
      },
      calibration: forest.calibration,
    },
  } satisfies Record<keyof ModelManifest, unknown>)
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'forecaster.onnx'), model)
  writeFileSync(join(out, 'forest.bin'), forest.bytes)
  writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  if (errors.length > 0) report(errorTable(errors))
  report(
    `wrote ${out}: ${manifest.forecaster.name}, ${model.length} bytes; forest ${forest.bytes.length} bytes`,
  )
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

async function selfCheckCases(session: ForecastSession) {
  const windows = SELF_CHECK_SEEDS.map((seed) => windowFeatures(selfCheckHistory(seed)))
  const output = await session.run(windows.map(({ features }) => features))
  return SELF_CHECK_SEEDS.map((seed, index) => ({
    seed,
    ...readForecast(output, windows[index]?.level ?? 0, index),
  }))
}

function trainingOf(trained: TrainedForecaster, traces: readonly Trace[], options: Options) {
  const recorded = traces.map(({ name, sha256 }) => ({
    name,
    sha256,
    part: `first ${FIT_SHARE * 100} %`,
    windows: trained.drawn.get(name) ?? 0,
  }))
  const generated = {
    name: 'generated',
    sha256: null,
    part: 'all',
    windows: trained.drawn.get('generated') ?? 0,
  }
  return {
    seed: options.seed,
    epochs: options.epochs,
    windows: trained.windows,
    batch: BATCH,
    learningRate: LEARNING_RATE,
    finalLoss: trained.finalLoss,
    sources: [generated, ...recorded],
    remark:
      traces.length === 0
        ? 'no recorded traces were there: generated traffic alone'
        : 'generated traffic and the fit parts of recorded traces; nothing of data/test, never worldcup98',
    command: `npm run train -- --seed ${options.seed} --epochs ${options.epochs}${options.quick ? ' --quick' : ''}`,
  }
}

function fileOf(path: string, bytes: Uint8Array) {
  return { path, sizeBytes: bytes.length, sha256: sha256(bytes) }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) console.log(HELP)
  else await train(options)
} catch (thrown) {
  console.error(`train: ${messageOf(thrown)}`)
  process.exitCode = 1
}
