import { AtlasError } from '../errors.ts'

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** One field of a protocol buffer message. */
export interface ProtobufField {
  readonly field: number
  /** A varint's value; 0 for other kinds. */
  readonly value: number
  /** Content of a length-delimited field. */
  readonly bytes: Uint8Array | null
}

/**
 * The fields of a protocol buffer message (of an ONNX model here), in order.
 * @throws AtlasError `model/unreadable` when it is cut off or no such message
 */
export function* fieldsOf(message: Uint8Array): Generator<ProtobufField> {
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
