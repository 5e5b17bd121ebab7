import type { Random } from '../../contract/ports.ts'

/** Wait before try `failures` + 1: doubling from `firstMs` up to `mostMs`, the upper half of it random. */
export function backoffMs(failures: number, firstMs: number, mostMs: number, random: Random): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30))
  return ceiling / 2 + (ceiling / 2) * random.next()
}
