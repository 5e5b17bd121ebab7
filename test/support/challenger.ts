import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportModel } from '../../central/train/export.ts'
import { ForecastSession } from '../../central/train/forecast-session.node.ts'
import { FORECASTER_SHAPE, initialParameters, parameterNamed } from '../../central/train/network.ts'
import { readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import type { ModelManifest } from '../../contract/model/manifest.ts'
import { selfCheckHistory } from '../../contract/model/self-check.ts'
import { seededRandom } from '../../contract/ports.ts'
import { ROOT } from './stack.ts'

/** A model file and the manifest that goes with it. */
export interface ModelUpload {
  readonly model: Uint8Array<ArrayBuffer>
  readonly manifest: ModelManifest
}

/** The shipped model under another name: another package, with the same answers. */
export function shippedModel(name: string): ModelUpload {
  const model = new Uint8Array(readFileSync(join(ROOT, 'models/forecaster.onnx')))
  const manifest = JSON.parse(readFileSync(join(ROOT, 'models/manifest.json'), 'utf8')) as ModelManifest
  return { model, manifest: { ...manifest, forecaster: { ...manifest.forecaster, name } } }
}

/** The manifest of altered bytes: only their content can then be refused, not their hash. */
export function withModel(upload: ModelUpload, model: Uint8Array<ArrayBuffer>): ModelUpload {
  const { forecaster } = upload.manifest
  const sha256 = createHash('sha256').update(model).digest('hex')
  const file = { ...forecaster.file, sizeBytes: model.length, sha256 }
  return { model, manifest: { ...upload.manifest, forecaster: { ...forecaster, file } } }
}

/** The upload as central's API takes it. */
export function formOf({ model, manifest }: ModelUpload, fp32?: Uint8Array<ArrayBuffer>): FormData {
  const form = new FormData()
  form.set('model', new Blob([model]), 'model.onnx')
  form.set('manifest', JSON.stringify(manifest))
  if (fp32) form.set('fp32', new Blob([fp32]), 'fp32.onnx')
  return form
}

/** A sound model that says three times what is right: untrained, with a bias. Its manifest's self-check is its own. */
export async function wrongModel(name: string): Promise<ModelUpload> {
  const parameters = initialParameters(FORECASTER_SHAPE, seededRandom(5))
  parameterNamed(parameters, 'bias').values.fill(1.5)
  const upload = withModel(
    shippedModel(name),
    new Uint8Array(exportModel(FORECASTER_SHAPE, parameters, 'int8')),
  )
  return sound(upload)
}

/** With the model's own answers as its manifest's self-check. */
export async function sound(upload: ModelUpload): Promise<ModelUpload> {
  const session = await ForecastSession.open(upload.model)
  const { forecaster } = upload.manifest
  const windows = forecaster.selfCheck.cases.map(({ seed }) => windowFeatures(selfCheckHistory(seed)))
  const output = await session.run(windows.map(({ features }) => features))
  await session.release()
  const cases = forecaster.selfCheck.cases.map(({ seed }, index) => ({
    seed,
    ...readForecast(output, windows[index]?.level ?? 0, index),
  }))
  const selfCheck = { ...forecaster.selfCheck, cases }
  return { ...upload, manifest: { ...upload.manifest, forecaster: { ...forecaster, selfCheck } } }
}
