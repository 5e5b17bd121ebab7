import { seededRandom } from '../../../contract/ports.ts'

/** Seeded random numbers in 0..1. */
export function random(seed: number): () => number {
  return seededRandom(seed).next
}

/** A standard normal number (Box and Muller 1958). */
export function gaussian(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
