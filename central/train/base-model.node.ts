import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { type ModelManifest, parseManifest } from '../../contract/model/manifest.ts'
import { verifyModelFile } from '../../contract/model/model-file.ts'
import { exportModel } from './export.ts'
import { FORECASTER_SHAPE, type NetworkShape, type Parameter } from './network.ts'
import { readWeights } from './onnx-weights.ts'
import { weightsHash } from './region-delta.ts'

/** The fp32 form beside a model, where there is one: training goes on from it without int8's rounding. */
export const FP32_FILE = 'forecaster.fp32.onnx'

/** A model to train on from. */
export interface BaseModel {
  readonly manifest: ModelManifest
  readonly shape: NetworkShape
  readonly parameters: readonly Parameter[]
  /** `weightsHash` of the parameters. */
  readonly hash: string
  readonly form: 'fp32' | 'int8'
  readonly forest: Uint8Array
}

/**
 * Reads a folder as `npm run train` writes it. The weights are those of `forecaster.fp32.onnx` where that is there, else the
 * dequantised ones of `forecaster.onnx`.
 * @throws AtlasError `config/invalid` (a file is missing), `model/unreadable` or `model/shape`
 */
export async function readBase(folder: string): Promise<BaseModel> {
  const manifest = parseManifest(parseJson(folder))
  const { forecaster, forest } = manifest
  const model = readFile(folder, forecaster.file.path)
  await verifyModelFile(model, forecaster.file)
  const forestBytes = readFile(folder, forest.file.path)
  await verifyModelFile(forestBytes, forest.file)
  const shape = { ...FORECASTER_SHAPE, hidden: forecaster.hidden }
  const form = existsSync(join(folder, FP32_FILE)) ? 'fp32' : 'int8'
  const parameters = readWeights(form === 'fp32' ? readFile(folder, FP32_FILE) : model, shape)
  const int8 = createHash('sha256')
    .update(exportModel(shape, parameters, 'int8'))
    .digest('hex')
  if (int8 !== forecaster.file.sha256)
    throw new AtlasError(
      'model/unreadable',
      `${join(folder, FP32_FILE)} is not the fp32 form of ${forecaster.file.path} beside it; take it away or train anew`,
    )
  const hash = await weightsHash(parameters)
  return { manifest, shape, parameters, hash, form, forest: forestBytes }
}

function parseJson(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  } catch (cause) {
    throw new AtlasError(
      'config/invalid',
      `--base ${folder}: cannot read manifest.json: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
}

function readFile(folder: string, name: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(join(folder, name)))
  } catch (cause) {
    throw new AtlasError('config/invalid', `--base ${folder}: cannot read ${name}: ${messageOf(cause)}`, {
      cause,
    })
  }
}
