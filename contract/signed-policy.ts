import * as z from 'zod'
import { fromBase64, toBase64 } from './base64.ts'
import { AtlasError } from './errors.ts'
import { type Policy, parsePolicy } from './policy.ts'

/** What central stores and a PoP reads: the exact text that was signed, so that nothing has to be made canonical. */
const envelopeSchema = z.strictObject({
  v: z.literal(1),
  keyId: z.string().min(1).max(64),
  payload: z.string().max(1_000_000),
  signature: z.string().max(128),
})

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

/** Public keys by key id: raw Ed25519, 32 bytes, base64. */
export type TrustedKeys = Readonly<Record<string, string>>

/** Signs a policy (Ed25519, RFC 8032) and returns the envelope's text. */
export async function signPolicy(document: PolicyDocument, key: CryptoKey, keyId: string): Promise<string> {
  const payload = JSON.stringify(document)
  const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(payload))
  return JSON.stringify({ v: 1, keyId, payload, signature: toBase64(new Uint8Array(signature)) })
}

/**
 * Opens an envelope: checks its form, its signature, then the policy in it. Nothing unsigned is ever parsed as policy.
 * @throws AtlasError `policy/syntax` (not an envelope), `policy/unsigned` (unknown key or wrong signature),
 *   `policy/invalid` (the policy's faults)
 */
export async function openSignedPolicy(text: string, keys: TrustedKeys): Promise<PolicyDocument> {
  const envelope = envelopeSchema.safeParse(parseJson(text))
  if (!envelope.success)
    throw new AtlasError('policy/syntax', 'not a signed policy envelope (v, keyId, payload, signature)')
  const { keyId, payload, signature } = envelope.data
  const raw = Object.hasOwn(keys, keyId) ? keys[keyId] : undefined
  if (raw === undefined)
    throw new AtlasError('policy/unsigned', `signed by key "${keyId}", which is not trusted here`)
  if (!(await verify(raw, signature, payload)))
    throw new AtlasError('policy/unsigned', `signature of key "${keyId}" does not match`)

  const body = payloadSchema.safeParse(parseJson(payload))
  if (!body.success)
    throw new AtlasError('policy/syntax', 'signed payload is not {name, version, issuedAtMs, policy}')
  return { ...body.data, policy: parsePolicy(body.data.policy) }
}

async function verify(rawKey: string, signature: string, payload: string): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', fromBase64(rawKey), 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify(
      'Ed25519',
      key,
      fromBase64(signature),
      new TextEncoder().encode(payload),
    )
  } catch {
    return false
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AtlasError('policy/syntax', 'not JSON', { cause })
  }
}
