/** The range of all values so far. Serialisable: a fresh one has no range. */
export interface RangeState {
  low: number | null
  high: number | null
}

export const freshRange = (): RangeState => ({ low: null, high: null })

/**
 * How far a value lies outside of all values so far, in units of their range; 0 inside it or while there is no range.
 * @param least range that counts where the values' own is smaller
 */
export function noveltyOf(range: RangeState, value: number, least: number): number {
  if (range.low === null || range.high === null) return 0
  const width = Math.max(least, range.high - range.low)
  return width > 0 ? Math.max(0, value - range.high, range.low - value) / width : 0
}

/**
 * Widens the range to hold a value.
 * @param shrink share by which the range narrows first, on each side, so that what is long ago is new again; 0 never forgets
 */
export function widen(range: RangeState, value: number, shrink: number): void {
  const { low, high } = range
  const narrower = low === null || high === null ? 0 : shrink * (high - low)
  range.low = low === null ? value : Math.min(value, low + narrower)
  range.high = high === null ? value : Math.max(value, high - narrower)
}
