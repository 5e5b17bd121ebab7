/** Order statistics of a sample. Below the `n` that resolves it, a high percentile is the maximum. */
export function percentile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  if (q > 0.5 && values.length < 1 / (1 - q) - 1e-9) return sorted[sorted.length - 1] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** Median with the middle half around it. */
export function spread(values: readonly number[]): { median: number; q1: number; q3: number } {
  return { median: median(values), q1: percentile(values, 0.25), q3: percentile(values, 0.75) }
}
