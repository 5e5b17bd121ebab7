import { z } from 'zod'
import { fromBase64, toBase64 } from '../../contract/base64.ts'
import { AtlasError } from '../../contract/errors.ts'

/** The file that holds central's signing key. Keep it readable by central alone. */
const fileSchema = z.strictObject({
  keyId: z.string().min(1).max(64),
  /** Ed25519, PKCS #8, base64. */
  privateKey: z.string(),
  /** Raw 32 bytes, base64: what PoPs trust (`ATLAS_POLICY_KEYS`). */
  publicKey: z.string(),
})

export type SigningKeyFile = z.output<typeof fileSchema>

export interface SigningKey {
  readonly keyId: string
  readonly privateKey: CryptoKey
  readonly publicKey: string
}

/** A fresh Ed25519 key pair. The key id is made of the public key, so two keys never share one. */
export async function createSigningKey(): Promise<SigningKeyFile> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey))
  return { keyId: `k-${hex(raw.subarray(0, 6))}`, privateKey: toBase64(pkcs8), publicKey: toBase64(raw) }
}

/** @throws AtlasError `config/invalid` that never quotes the file's content */
export async function parseSigningKey(text: string): Promise<SigningKey> {
  try {
    const file = fileSchema.parse(JSON.parse(text))
    const pkcs8 = fromBase64(file.privateKey)
    const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
    const publicKey = await crypto.subtle.importKey('raw', fromBase64(file.publicKey), 'Ed25519', false, [
      'verify',
    ])
    const probe = new TextEncoder().encode(file.keyId)
    const signature = await crypto.subtle.sign('Ed25519', privateKey, probe)
    if (await crypto.subtle.verify('Ed25519', publicKey, signature, probe))
      return { keyId: file.keyId, privateKey, publicKey: file.publicKey }
  } catch {
    // the cause could quote the key, so it is not kept
  }
  throw new AtlasError(
    'config/invalid',
    'signing key file must be JSON {keyId, privateKey (Ed25519 PKCS #8, base64), publicKey (its raw public key, base64)}',
  )
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
