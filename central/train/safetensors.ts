import * as z from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import type { Parameter } from './network.ts'

const METADATA = '__metadata__'

const tensorSchema = z.strictObject({
  dtype: z.literal('F32'),
  shape: z.array(z.number().int().positive()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
})

export interface Safetensors {
  /** As the file says it, unchecked. */
  readonly metadata: unknown
  readonly tensors: readonly Parameter[]
}

/**
 * Float32 tensors as a safetensors file (https://github.com/huggingface/safetensors): `headerBytes:u64le header:JSON
 * float32le…`, the tensors one after the other, the header filled up to a multiple of 8 bytes.
 */
export function encodeSafetensors(
  tensors: readonly Parameter[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  let at = 0
  const entries = tensors.map(({ name, dims, values }) => {
    const from = at
    at += values.byteLength
    return [name, { dtype: 'F32', shape: dims, data_offsets: [from, at] }]
  })
  const text = JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) })
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8))
  const bytes = new Uint8Array(8 + header.length + at)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true)
  bytes.set(header, 8)
  let offset = 8 + header.length
  for (const { values } of tensors) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset)
    offset += values.byteLength
  }
  return bytes
}

/**
 * Reads such a file, strictly: float32 only, in order, no byte that belongs to no tensor.
 * @throws AtlasError `model/unreadable` with the reason
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  if (bytes.length < 8) throw unreadable('it is truncated, or no safetensors file')
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  if (end > bytes.length) throw unreadable('it is truncated, or no safetensors file')
  const { [METADATA]: metadata, ...entries } = parseHeader(bytes.subarray(8, end))
  let at = end
  const tensors = Object.entries(entries).map(([name, document]): Parameter => {
    const { shape, data_offsets } = parseStrictly(tensorSchema, document, name)
    const from = at - end
    const size = 4 * shape.reduce((product, dim) => product * dim, 1)
    if (data_offsets[0] !== from || data_offsets[1] !== from + size)
      throw unreadable(
        `${name}.data_offsets must be [${from}, ${from + size}], but is [${data_offsets.join(', ')}]`,
      )
    at += size
    if (at > bytes.length) throw unreadable(`it is truncated within ${name}`)
    return { name, dims: shape, values: new Float32Array(bytes.slice(at - size, at).buffer) }
  })
  if (at !== bytes.length) throw unreadable(`${bytes.length - at} bytes of it belong to no layer`)
  return { metadata, tensors }
}

/** @throws AtlasError `model/unreadable` that names the field */
export function parseStrictly<T>(schema: z.ZodType<T>, document: unknown, where: string): T {
  const result = schema.safeParse(document)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw unreadable(`${[where, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`)
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    throw unreadable('its header is no JSON object')
  }
}

function unreadable(why: string): AtlasError {
  return new AtlasError('model/unreadable', `tensors refused: ${why}`)
}
