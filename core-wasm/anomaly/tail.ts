/** What a tail remembers: how many values fell into each bin, their number and the largest. Serialisable. */
export interface TailState {
  readonly bins: number[]
  count: number
  largest: number
}

/** Bins a decade from 10^-3 to 10^4; the first also takes what is smaller, the last what is larger. */
const BINS_PER_DECADE = 40
const LEAST_EXPONENT = -3
const BINS = 7 * BINS_PER_DECADE
/** Beyond the largest value so far each tenfold counts this much, at most MOST_BEYOND in all. */
const PER_DECADE_BEYOND = 2
const MOST_BEYOND = 3
/** Counts are halved when this many values are remembered, so that a series may change its habits. */
const MEMORY = 65_536

export const freshTail = (): TailState => ({ bins: new Array<number>(BINS).fill(0), count: 0, largest: 0 })

/**
 * How surprising a value ≥ 0 is against all values so far: -log10 of the share of them that were as large, from a
 * histogram of logarithmic bins. A value beyond the largest is extrapolated with a power tail, so that records keep an order
 * (the idea of Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", 2017, without their fit).
 */
export function surpriseOf(tail: TailState, value: number): number {
  if (value <= 0) return 0
  const bin = binOf(value)
  let above = (tail.bins[bin] ?? 0) / 2
  for (let index = bin + 1; index < BINS; index++) above += tail.bins[index] ?? 0
  const inside = Math.log10((tail.count + 1) / (above + 0.5))
  if (value <= tail.largest || tail.largest === 0) return inside
  return inside + Math.min(MOST_BEYOND, PER_DECADE_BEYOND * Math.log10(value / tail.largest))
}

/** Remembers a value ≥ 0. */
export function remember(tail: TailState, value: number): void {
  const bin = binOf(value)
  tail.bins[bin] = (tail.bins[bin] ?? 0) + 1
  tail.count++
  if (value > tail.largest) tail.largest = value
  if (tail.count >= MEMORY) {
    for (let index = 0; index < BINS; index++) tail.bins[index] = (tail.bins[index] ?? 0) / 2
    tail.count /= 2
  }
}

/** Bin 0 is kept for values that are 0 or next to it. */
function binOf(value: number): number {
  if (value <= 10 ** LEAST_EXPONENT) return 0
  return Math.min(BINS - 1, 1 + Math.floor((Math.log10(value) - LEAST_EXPONENT) * BINS_PER_DECADE))
}
