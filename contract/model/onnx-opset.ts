import { AtlasError } from '../errors.ts'
import { fieldsOf } from './protobuf-fields.ts'

/** Fields of ModelProto and OperatorSetIdProto (onnx.proto3) that are read here. */
const OPSET_IMPORT = 8
const DOMAIN = 1
const VERSION = 2

/**
 * Refuses a model of another operator set than its manifest says, or one with operators of another domain.
 * @throws AtlasError `model/shape`, or `model/unreadable` when the bytes are no ONNX file
 */
export function checkOpset(model: Uint8Array, expected: number): void {
  const opsets = opsetsOf(model)
  const text = opsets.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`).join(', ')
  if (opsets.length === 1 && opsets[0]?.version === expected && isDefault(opsets[0].domain)) return
  throw new AtlasError('model/shape', `the model is of opset ${text || 'none'}, not ai.onnx ${expected}`)
}

function isDefault(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx'
}

function opsetsOf(model: Uint8Array): { domain: string; version: number }[] {
  const opsets: { domain: string; version: number }[] = []
  for (const { field, bytes } of fieldsOf(model)) {
    if (field !== OPSET_IMPORT || bytes === null) continue
    const opset = { domain: '', version: 0 }
    for (const part of fieldsOf(bytes)) {
      if (part.field === DOMAIN && part.bytes !== null) opset.domain = new TextDecoder().decode(part.bytes)
      if (part.field === VERSION) opset.version = part.value
    }
    opsets.push(opset)
  }
  return opsets
}
