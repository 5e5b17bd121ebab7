import { AtlasError } from '../errors.ts'

/** Fields of ModelProto and OperatorSetIdProto (onnx.proto3) that are read here. */
const OPSET_IMPORT = 8
const DOMAIN = 1
const VERSION = 2

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

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

interface Field {
  readonly field: number
  /** A varint's value; 0 for other kinds. */
  readonly value: number
  /** Content of a length-delimited field. */
  readonly bytes: Uint8Array | null
}

/** The fields of a protocol buffer message, in order. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new AtlasError('model/unreadable', 'the model is truncated, or no ONNX file')
  }
  while (at < message.length) {
    const tag = varint()
    const field = Math.floor(tag / 8)
    const kind = tag % 8
    if (kind === VARINT) {
      yield { field, value: varint(), bytes: null }
      continue
    }
    const size = kind === BYTES ? varint() : kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : Number.NaN
    const end = at + size
    if (!(end <= message.length))
      throw new AtlasError('model/unreadable', 'the model is truncated, or no ONNX file')
    yield { field, value: 0, bytes: kind === BYTES ? message.subarray(at, end) : null }
    at = end
  }
}
