import { InferenceSession } from 'onnxruntime-node'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Quantiles } from '../../contract/messages.ts'
import { readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import type { ForecasterManifest } from '../../contract/model/manifest.ts'
import type { ModelPackage } from '../../contract/model/model-package.ts'
import { selfCheckHistory } from '../../contract/model/self-check.ts'
import { ForecastSession } from '../train/forecast-session.node.ts'

/** Between int8 and fp32, in the model's own unit, where 1 is the series' level. */
const LARGEST_DIFFERENCE = 0.1
const WINDOWS = 64

/** What running a model has shown. */
export interface Inspection {
  /** Largest difference of the answers from the fp32 form's; null where that was not given. */
  readonly fp32Difference: number | null
}

/**
 * Runs a model before it is taken: shapes, its manifest's self-check (which NaN weights fail), many windows for numbers
 * that are not finite, and the fp32 form beside it where there is one. What hangs is not stopped here: `ModelGauge` comes
 * first.
 * @throws AtlasError `model/unreadable`, `model/shape`
 */
export async function inspectModel(
  { manifest: { forecaster }, model }: ModelPackage,
  fp32: Uint8Array | null,
): Promise<Inspection> {
  await checkShapes(model, forecaster)
  const session = await open(model)
  try {
    await checkAnswers(session, forecaster)
    const windows = Array.from(
      { length: WINDOWS },
      (_, seed) => windowFeatures(selfCheckHistory(1000 + seed)).features,
    )
    const answers = await session.run(windows)
    if (!answers.every(Number.isFinite))
      throw new AtlasError('model/unreadable', 'the model answers numbers that are not finite')
    return { fp32Difference: fp32 === null ? null : await difference(fp32, windows, answers) }
  } finally {
    await session.release()
  }
}

async function open(model: Uint8Array, what = 'the model'): Promise<ForecastSession> {
  try {
    return await ForecastSession.open(model)
  } catch (cause) {
    throw new AtlasError('model/unreadable', `onnxruntime cannot open ${what}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

async function checkShapes(model: Uint8Array, { input, output }: ForecasterManifest): Promise<void> {
  let session: InferenceSession
  try {
    session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  } catch (cause) {
    throw new AtlasError('model/unreadable', `onnxruntime cannot open the model: ${messageOf(cause)}`, {
      cause,
    })
  }
  const sides = [
    ['input', input, session.inputMetadata],
    ['output', output, session.outputMetadata],
  ] as const
  const faults = sides.flatMap(([side, { name, shape }, found]) => {
    const first = found[0]
    const dims = first?.isTensor ? first.shape : []
    const fits =
      found.length === 1 &&
      first?.name === name &&
      dims.length === shape.length &&
      shape.every((dim, at) => typeof dim === 'string' || dim === dims[at])
    const message = `must be ${name} [${shape.join(', ')}], but is ${first?.name ?? 'none'} [${dims.join(', ')}]`
    return fits ? [] : [{ path: side, message }]
  })
  await session.release()
  const fault = faults[0]
  if (fault) throw new AtlasError('model/shape', `${fault.path} ${fault.message}`, { faults })
}

async function checkAnswers(session: ForecastSession, { selfCheck }: ForecasterManifest): Promise<void> {
  const windows = selfCheck.cases.map(({ seed }) => windowFeatures(selfCheckHistory(seed)))
  const output = await session.run(windows.map(({ features }) => features))
  selfCheck.cases.forEach((expected, index) => {
    const answer = readForecast(output, windows[index]?.level ?? 0, index)
    for (const horizon of ['in5', 'in15', 'in60'] as const) {
      if (near(answer[horizon], expected[horizon], selfCheck.tolerance)) continue
      throw new AtlasError(
        'model/unreadable',
        `the model fails its manifest's self-check: answers ${JSON.stringify(answer[horizon])} where ${JSON.stringify(expected[horizon])} is right (NaN shows as null)`,
      )
    }
  })
}

function near(actual: Quantiles, expected: Quantiles, tolerance: number): boolean {
  const scale = tolerance * Math.max(1e-3, expected.p90)
  return (['p10', 'p50', 'p90'] as const).every((q) => Math.abs(actual[q] - expected[q]) <= scale)
}

async function difference(
  fp32: Uint8Array,
  windows: readonly Float32Array[],
  answers: Float32Array,
): Promise<number> {
  const full = await open(fp32, 'the fp32 form')
  const expected = await full.run(windows)
  await full.release()
  const most = answers.reduce(
    (max, value, at) => Math.max(max, Math.abs(value - (expected[at] ?? Number.NaN))),
    0,
  )
  if (most <= LARGEST_DIFFERENCE) return most
  throw new AtlasError(
    'model/unreadable',
    `the model differs from its fp32 form by ${most} of the level; at most ${LARGEST_DIFFERENCE} is allowed`,
  )
}
