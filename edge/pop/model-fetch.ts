import * as z from 'zod'
import { AtlasError } from '../../contract/errors.ts'
import { MAX_PACKAGE_BYTES } from '../../contract/model/model-package.ts'
import { subjects } from '../../contract/subjects.ts'

/** A message of the object store's stream. */
export interface StoredBytes {
  readonly seq: number
  readonly data: Uint8Array
}

/** Reads the object store's stream by DIRECT.GET. Null: there is no such message. */
export interface ObjectReader {
  last(subject: string): Promise<StoredBytes | null>
  next(subject: string, fromSeq: number): Promise<StoredBytes | null>
}

/** ADR-20 of NATS: what the store says of an object. */
const metaSchema = z.object({
  name: z.string(),
  nuid: z.string().min(1),
  size: z.number().int().nonnegative(),
  chunks: z.number().int().nonnegative(),
  deleted: z.boolean().optional(),
})

/**
 * Reads a model package chunk by chunk. Whether it is the right one its hash tells, once it is opened.
 * @throws AtlasError `model/not-found`, or `model/unreadable` when chunks are missing or there is too much of it
 */
export async function fetchPackage(reader: ObjectReader, hash: string): Promise<Uint8Array<ArrayBuffer>> {
  const short = hash.slice(0, 12)
  const head = await reader.last(subjects.objectMeta(hash))
  if (head === null) throw new AtlasError('model/not-found', `the registry has no model ${short}…`)
  const meta = metaSchema.safeParse(parse(head.data))
  if (!meta.success || meta.data.deleted)
    throw new AtlasError('model/not-found', `the registry has no model ${short}… any more`)
  const { nuid, size, chunks } = meta.data
  if (size > MAX_PACKAGE_BYTES)
    throw new AtlasError(
      'model/unreadable',
      `model ${short}… has ${size} bytes; ${MAX_PACKAGE_BYTES} is the most`,
    )
  const bytes = new Uint8Array(size)
  let at = 0
  let seq = 1
  for (let chunk = 0; chunk < chunks; chunk++) {
    const stored = await reader.next(subjects.objectChunks(nuid), seq)
    if (stored === null || at + stored.data.length > size)
      throw new AtlasError(
        'model/unreadable',
        `model ${short}… is truncated: chunk ${chunk + 1} of ${chunks}`,
      )
    bytes.set(stored.data, at)
    at += stored.data.length
    seq = stored.seq + 1
  }
  if (at === size) return bytes
  throw new AtlasError('model/unreadable', `model ${short}… is truncated: ${at} of ${size} bytes`)
}

function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return null
  }
}
