import { z } from 'zod'
import { AtlasError } from '../../contract/errors.ts'

/** A version of a policy as it stands in the bucket. */
export interface PolicyRecord {
  readonly name: string
  readonly version: number
  readonly issuedAtMs: number
  /** Name of the token it was pushed with; null when the bucket does not say. */
  readonly by: string | null
  readonly keyId: string
  /** As it was pushed; a version of long ago may no longer be what the schema asks for. */
  readonly policy: unknown
  /** The signed text, as PoPs read it. */
  readonly envelope: string
  /** Revision of the bucket, for compare-and-set. */
  readonly revision: number
}

const envelopeSchema = z.object({ keyId: z.string(), payload: z.string() })
const payloadSchema = z.object({
  name: z.string(),
  version: z.number().int().positive(),
  issuedAtMs: z.number(),
  policy: z.unknown(),
})

/**
 * Reads a stored version back. Central is the only writer of the bucket, so the signature is the PoPs' business.
 * @throws AtlasError `policy/syntax` when the bucket holds something else
 */
export function readRecord(envelope: string, revision: number, by: string | null): PolicyRecord {
  try {
    const { keyId, payload } = envelopeSchema.parse(JSON.parse(envelope))
    const body = payloadSchema.parse(JSON.parse(payload))
    return { ...body, keyId, by, envelope, revision }
  } catch (cause) {
    throw new AtlasError(
      'policy/syntax',
      `revision ${revision} of the policy bucket is not a signed policy`,
      {
        cause,
      },
    )
  }
}
