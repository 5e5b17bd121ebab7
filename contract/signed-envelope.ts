import * as z from 'zod'
import { fromBase64, toBase64 } from './base64.ts'
import { AtlasError } from './errors.ts'

/** The exact text that was signed and its signature, so that nothing has to be made canonical. */
const envelopeSchema = z.strictObject({
  v: z.literal(1),
  keyId: z.string().min(1).max(64),
  payload: z.string().max(1_000_000),
  signature: z.string().max(128),
})

/** Public keys by key id: raw Ed25519, 32 bytes, base64. */
export type TrustedKeys = Readonly<Record<string, string>>

/** What an envelope carries: it is the first part of the codes it is refused with. */
export type Sealed = 'policy' | 'model'

/** Signs a text (Ed25519, RFC 8032) and returns the envelope's text. */
export async function sealText(payload: string, key: CryptoKey, keyId: string): Promise<string> {
  const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(payload))
  return JSON.stringify({ v: 1, keyId, payload, signature: toBase64(new Uint8Array(signature)) })
}

/**
 * The signed payload of an envelope, parsed as JSON. Nothing unsigned is ever parsed.
 * @throws AtlasError `KIND/syntax` (not an envelope, or not JSON in it), `KIND/unsigned` (unknown key, wrong signature)
 */
export async function openSealed(text: string, keys: TrustedKeys, kind: Sealed): Promise<unknown> {
  const envelope = envelopeSchema.safeParse(parseJson(text, kind))
  if (!envelope.success)
    throw new AtlasError(`${kind}/syntax`, `not a signed ${kind} envelope (v, keyId, payload, signature)`)
  const { keyId, payload, signature } = envelope.data
  const raw = Object.hasOwn(keys, keyId) ? keys[keyId] : undefined
  if (raw === undefined)
    throw new AtlasError(`${kind}/unsigned`, `signed by key "${keyId}", which is not trusted here`)
  if (!(await verify(raw, signature, payload)))
    throw new AtlasError(`${kind}/unsigned`, `signature of key "${keyId}" does not match`)
  return parseJson(payload, kind)
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

function parseJson(text: string, kind: Sealed): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AtlasError(`${kind}/syntax`, 'not JSON', { cause })
  }
}
