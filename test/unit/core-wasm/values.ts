import type { Random } from '../../../contract/ports.ts'

/** Standard normal, by Box and Muller. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

export function integer(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1))
}

export function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0]
}

/** Latencies in ms, by name of their distribution. */
export const DISTRIBUTIONS: Readonly<Record<string, (random: Random) => number>> = {
  uniform: (random) => 1 + 999 * random.next(),
  exponential: (random) => 0.02 - 40 * Math.log(1 - random.next()),
  lognormal: (random) => Math.exp(3 + 1.2 * normal(random)),
  pareto: (random) => Math.min(9e5, 2 / (1 - random.next()) ** (1 / 1.1)),
  bimodal: (random) => (random.next() < 0.9 ? 5 + random.next() : 30_000 + 500 * random.next()),
  constant: () => 17.25,
  'whole range': (random) => 10 ** (-1.9 + 7.8 * random.next()),
}

/** The value at 0-based rank floor(q (n - 1)). */
export function exactQuantile(sorted: Float64Array, q: number): number {
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN
}
