import type { Random } from '../../contract/ports.ts'

const POOL = 2048

/** Random numbers from the runtime's cryptographic generator, drawn 2048 words at a time: 32 bits each. */
export function cryptoRandom(): Random {
  const pool = new Uint32Array(POOL)
  let at = POOL
  return {
    next() {
      if (at === POOL) {
        crypto.getRandomValues(pool)
        at = 0
      }
      return (pool[at++] ?? 0) / 0x1_0000_0000
    },
  }
}
