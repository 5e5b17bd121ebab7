import * as z from 'zod'
import { AtlasError } from './errors.ts'
import { type Policy, parsePolicy } from './policy.ts'
import { openSealed, sealText, type TrustedKeys } from './signed-envelope.ts'

export type { TrustedKeys } from './signed-envelope.ts'

const payloadSchema = z.strictObject({
  name: z.string(),
  version: z.number().int().positive(),
  issuedAtMs: z.number(),
  policy: z.unknown(),
})

export interface PolicyDocument {
  readonly name: string
  /** Goes up by one with each push; a PoP refuses one that is not above its own. */
  readonly version: number
  /** Wall time of the push. */
  readonly issuedAtMs: number
  readonly policy: Policy
}

/** Signs a policy and returns the envelope's text: what central stores and a PoP reads. */
export function signPolicy(document: PolicyDocument, key: CryptoKey, keyId: string): Promise<string> {
  return sealText(JSON.stringify(document), key, keyId)
}

/**
 * Opens an envelope: checks its form, its signature, then the policy in it.
 * @throws AtlasError `policy/syntax` (not an envelope), `policy/unsigned` (unknown key or wrong signature),
 *   `policy/invalid` (the policy's faults)
 */
export async function openSignedPolicy(text: string, keys: TrustedKeys): Promise<PolicyDocument> {
  const body = payloadSchema.safeParse(await openSealed(text, keys, 'policy'))
  if (!body.success)
    throw new AtlasError('policy/syntax', 'signed payload is not {name, version, issuedAtMs, policy}')
  return { ...body.data, policy: parsePolicy(body.data.policy) }
}
