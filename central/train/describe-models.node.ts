import { createHash } from 'node:crypto'
import { ANOMALY_FEATURES } from '../../contract/model/anomaly-features.ts'
import { FORECAST_FEATURES, readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import {
  type ForecasterManifest,
  type ForestManifest,
  type ModelManifest,
  parseManifest,
  type TraceError,
} from '../../contract/model/manifest.ts'
import { selfCheckHistory } from '../../contract/model/self-check.ts'
import { HORIZONS_MIN, QUANTILE_LEVELS } from '../../contract/model/series.ts'
import { PROTOCOL } from './evaluate.node.ts'
import { INPUT_NAME, OUTPUT_NAME } from './export.ts'
import type { ForecastSession } from './forecast-session.node.ts'
import { FORECASTER_SHAPE } from './network.ts'
import { FIT_SHARE } from './traces.node.ts'
import type { ForecasterTraining, TrainedForecaster } from './train-forecaster.node.ts'
import type { TrainedForest } from './train-forest.node.ts'

const SELF_CHECK_SEEDS = [1, 2, 3, 4]
const SELF_CHECK_TOLERANCE = 0.01

export interface TrainedModels {
  /** The int8 form, and a session of it. */
  readonly model: Uint8Array
  readonly session: ForecastSession
  readonly training: ForecasterTraining
  readonly trained: TrainedForecaster
  readonly quantisation: ForecasterManifest['quantisation']
  readonly errors: readonly TraceError[]
  readonly forest: TrainedForest
  readonly command: string
}

/** The manifest of freshly trained models. It holds no time and no machine, so the same training gives the same file. */
export async function describeModels(models: TrainedModels): Promise<ModelManifest> {
  return parseManifest({
    v: 1,
    forecaster: await describeForecaster(models),
    forest: describeForest(models.forest),
  })
}

/** The manifest's part about a forecaster. */
export async function describeForecaster(models: Omit<TrainedModels, 'forest'>): Promise<unknown> {
  const { model, session, trained, quantisation, errors } = models
  return {
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
    training: describeTraining(models),
    quantisation,
    selfCheck: { cases: await selfCheckCases(session), tolerance: SELF_CHECK_TOLERANCE },
    protocol: PROTOCOL,
    errors,
  }
}

function describeTraining({
  training,
  trained,
  command,
}: Omit<TrainedModels, 'forest'>): ForecasterManifest['training'] {
  const { seed, epochs, batch, learningRate, traces, further = [] } = training
  const windowsOf = (name: string) => trained.drawn.get(name) ?? 0
  const recorded = traces.map(({ name, sha256: hash }) => ({
    name,
    sha256: hash,
    part: `first ${FIT_SHARE * 100} %`,
    windows: windowsOf(name),
  }))
  const own = [...new Set(further.map(({ series }) => series.name))].map((name) => ({
    name,
    sha256: null,
    part: 'all',
    windows: windowsOf(name),
  }))
  return {
    seed,
    epochs,
    windows: trained.windows,
    batch,
    learningRate,
    finalLoss: trained.finalLoss,
    sources: [
      { name: 'generated', sha256: null, part: 'all', windows: windowsOf('generated') },
      ...recorded,
      ...own,
    ],
    remark:
      traces.length === 0
        ? 'no recorded traces were there: generated traffic alone'
        : 'generated traffic and the fit parts of recorded traces; nothing of data/test, never worldcup98',
    command,
  }
}

/** The manifest's part about a forest. */
export function describeForest({
  seed,
  forest,
  bytes,
  tails,
  level,
  calibration,
  points,
}: TrainedForest): ForestManifest {
  return {
    file: fileOf('forest.bin', bytes),
    trees: forest.trees.length,
    depth: forest.depth,
    subsample: forest.subsample,
    features: [...ANOMALY_FEATURES],
    training: {
      seed,
      points,
      remark: 'generated normal ticks; calibrated on as many of other generated sites',
    },
    tails: tails.map(({ high, low, ...rest }) => ({ high: [...high], low: [...low], ...rest })),
    level,
    calibration: [...calibration],
  }
}

/** The answers that a manifest's self-check expects, as this session gives them. */
export async function selfCheckCases(
  session: ForecastSession,
): Promise<ForecasterManifest['selfCheck']['cases']> {
  const windows = SELF_CHECK_SEEDS.map((seed) => windowFeatures(selfCheckHistory(seed)))
  const output = await session.run(windows.map(({ features }) => features))
  return SELF_CHECK_SEEDS.map((seed, index) => ({
    seed,
    ...readForecast(output, windows[index]?.level ?? 0, index),
  }))
}

function fileOf(path: string, bytes: Uint8Array): ForestManifest['file'] {
  return { path, sizeBytes: bytes.length, sha256: sha256(bytes) }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
