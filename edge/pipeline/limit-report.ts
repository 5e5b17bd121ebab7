import { charge, type Gcra } from '../control/gcra.ts'
import type { LimitBook } from '../control/limit-book.ts'
import type { LimitUse } from '../control/stubs.ts'

/** Keys told in one flush; the others wait for the next. */
const MAX_KEYS = 500

/** A function that turns a client's key into what may leave the isolate. */
export type KeyHash = (limit: string, key: string) => Promise<string>

/**
 * HMAC-SHA-256 under a secret that all isolates of the PoP have, 128 bits of it. Without a secret each isolate makes
 * one of its own: nothing can be told from the hashes, and limits hold within each isolate only.
 */
export function keyedHash(secret: string | null): KeyHash {
  let made: Promise<CryptoKey> | undefined
  const text = new TextEncoder()
  return async (limit, key) => {
    made ??= crypto.subtle.importKey(
      'raw',
      secret === null ? crypto.getRandomValues(new Uint8Array(32)) : text.encode(`atlas limit key ${secret}`),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const mac = await crypto.subtle.sign('HMAC', await made, text.encode(`${limit}\n${key}`))
    return Array.from(new Uint8Array(mac, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

/** What was charged since the last report, under hashed keys. */
export async function takeUse(book: LimitBook, hash: KeyHash): Promise<LimitUse[]> {
  const uses: LimitUse[] = []
  for (const entry of book.takeCharged(MAX_KEYS)) {
    entry.hash ??= await hash(entry.limit, entry.key)
    book.remember(entry, entry.hash)
    uses.push({ limit: entry.limit, key: entry.hash, cost: entry.unreported })
    entry.unreported = 0
    entry.queued = false
  }
  return uses
}

/** Keeps for the next report what this one could not deliver. */
export function returnUse(book: LimitBook, uses: readonly LimitUse[]): void {
  for (const { limit, key, cost } of uses) {
    const entry = book.reported(limit, key)
    if (entry !== undefined) book.giveBack(entry, cost)
  }
}

/** Charges keys with what other isolates of the PoP let pass. */
export function applyUse(
  book: LimitBook,
  rates: ReadonlyMap<string, Gcra>,
  uses: readonly LimitUse[],
  nowMs: number,
): void {
  for (const { limit, key, cost } of uses) {
    const entry = book.reported(limit, key)
    const rate = rates.get(limit)
    if (entry !== undefined && rate !== undefined && cost > 0) {
      entry.tatMs = charge(rate, entry.tatMs, nowMs, cost)
    }
  }
}
