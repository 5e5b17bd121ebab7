import { nkeys } from 'nats.ws'
import { AtlasError } from '../../contract/errors.ts'

/** An nkey of a NATS user: the seed is secret, the public key stands in the server's configuration. */
export interface Nkey {
  readonly seed: string
  readonly publicKey: string
}

/** A fresh user nkey (Ed25519). */
export function createNkey(): Nkey {
  const pair = nkeys.createUser()
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() }
}

/** @throws AtlasError `config/invalid` when the text is not a user's seed */
export function publicKeyOf(seed: string): string {
  try {
    if (/^SU[A-Z2-7]{56}$/.test(seed)) return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey()
  } catch {
    // the cause could quote the seed, so it is not kept
  }
  throw new AtlasError('config/invalid', 'not the seed of a NATS user nkey (it begins with "SU")')
}
