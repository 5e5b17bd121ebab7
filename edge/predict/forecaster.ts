import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Quantiles } from '../../contract/messages.ts'
import {
  type ForecastQuantiles,
  OUTPUT_SIZE,
  readForecast,
  WINDOW_SIZE,
  windowFeatures,
} from '../../contract/model/forecast-window.ts'
import type { ForecasterManifest } from '../../contract/model/manifest.ts'
import { verifyModelFile } from '../../contract/model/model-file.ts'
import { selfCheckHistory } from '../../contract/model/self-check.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import { type InferenceSession, openSession, Tensor } from './ort-runtime.ts'

/** Windows of one run: bounds the memory a run takes. */
const BATCH = 64

/** A model that was checked, ready to forecast. */
export interface Forecaster {
  readonly model: string
  /**
   * The model's answer to each history, in order; any number of series.
   * @throws RangeError when a history is shorter than the lookback
   */
  forecast(histories: readonly SeriesHistory[]): Promise<ForecastQuantiles[]>
  /** Frees the model's memory in the runtime; it is not used after. */
  close(): Promise<void>
}

/**
 * Opens a forecaster and refuses it unless it is whole and sane: its hash, the names and shapes of input and output,
 * and its answers to the manifest's self-check, which a model with NaN or wrong weights fails.
 * @throws AtlasError `model/unreadable` or `model/shape`, with the reason
 */
export async function createForecaster(
  bytes: Uint8Array<ArrayBuffer>,
  manifest: ForecasterManifest,
): Promise<Forecaster> {
  await verifyModelFile(bytes, manifest.file)
  const session = await open(bytes, manifest)
  try {
    checkShape('input', manifest.input, session.inputNames, session.inputMetadata)
    checkShape('output', manifest.output, session.outputNames, session.outputMetadata)
    await checkAnswers(session, manifest)
  } catch (refusal) {
    await session.release()
    throw refusal
  }
  return {
    model: manifest.name,
    forecast: (histories) => predict(session, manifest, histories),
    close: () => session.release(),
  }
}

async function open(bytes: Uint8Array, manifest: ForecasterManifest): Promise<InferenceSession> {
  try {
    return await openSession(bytes)
  } catch (cause) {
    throw new AtlasError(
      'model/unreadable',
      `${manifest.file.path} is no model that onnxruntime can open: ${messageOf(cause)}`,
      { cause },
    )
  }
}

async function predict(
  session: InferenceSession,
  manifest: ForecasterManifest,
  histories: readonly SeriesHistory[],
): Promise<ForecastQuantiles[]> {
  const answers: ForecastQuantiles[] = []
  for (let from = 0; from < histories.length; from += BATCH) {
    const windows = histories.slice(from, from + BATCH).map(windowFeatures)
    const input = new Float32Array(windows.length * WINDOW_SIZE)
    windows.forEach(({ features }, index) => {
      input.set(features, index * WINDOW_SIZE)
    })
    const [, ...rest] = manifest.input.shape
    const tensor = new Tensor('float32', input, [windows.length, ...rest])
    const output = (await session.run({ [manifest.input.name]: tensor }))[manifest.output.name]
    const values = output?.data
    if (!(values instanceof Float32Array) || values.length !== windows.length * OUTPUT_SIZE)
      throw new AtlasError(
        'model/shape',
        `${manifest.file.path} answers ${values?.length ?? 0} numbers, not ${OUTPUT_SIZE} a window`,
      )
    windows.forEach(({ level }, index) => {
      answers.push(readForecast(values, level, index))
    })
  }
  return answers
}

function checkShape(
  kind: 'input' | 'output',
  expected: { readonly name: string; readonly shape: readonly (number | string)[] },
  names: readonly string[],
  metadata: readonly InferenceSession.ValueMetadata[],
): void {
  const found = metadata[names.indexOf(expected.name)]
  const shape = found?.isTensor ? found.shape : undefined
  const fits =
    names.length === 1 &&
    shape?.length === expected.shape.length &&
    expected.shape.every((dim, at) => typeof dim === 'string' || dim === shape[at])
  if (fits) return
  throw new AtlasError(
    'model/shape',
    `${kind} must be ${expected.name} [${expected.shape.join(', ')}], but is ${names.join(', ')} [${shape?.join(', ') ?? ''}]`,
  )
}

async function checkAnswers(session: InferenceSession, manifest: ForecasterManifest): Promise<void> {
  const { cases, tolerance } = manifest.selfCheck
  const answers = await predict(
    session,
    manifest,
    cases.map(({ seed }) => selfCheckHistory(seed)),
  )
  answers.forEach((answer, index) => {
    const expected = cases[index]
    if (expected === undefined) return
    for (const horizon of ['in5', 'in15', 'in60'] as const) {
      if (near(answer[horizon], expected[horizon], tolerance)) continue
      throw new AtlasError(
        'model/unreadable',
        `${manifest.file.path} fails its self-check: answers ${JSON.stringify(answer[horizon])} where ${JSON.stringify(expected[horizon])} is right (NaN shows as null)`,
      )
    }
  })
}

/** Within the relative tolerance in all quantiles; NaN never is. */
function near(actual: Quantiles, expected: Quantiles, tolerance: number): boolean {
  const quantiles = ['p10', 'p50', 'p90'] as const
  return quantiles.every((q) => Math.abs(actual[q] - expected[q]) <= tolerance * Math.max(1e-3, expected.p90))
}
