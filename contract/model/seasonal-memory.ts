/** What a seasonal memory remembers. Serialisable. */
export interface SeasonalMemoryState {
  readonly slotS: number
  /** Index of the newest slot, in slots since 1970; the slots before it lie in a ring. */
  readonly newest: number
  readonly sums: readonly number[]
  readonly counts: readonly number[]
}

const DAY_S = 86_400
const SLOT_S = 300
/** Days kept: a week, and the day that is under way. */
const DAYS = 8

/**
 * Mean rates of the last eight days in slots of five minutes (or of the series' own step, if that is longer): what a
 * series did at this time yesterday and a week ago. Constant memory: at most 2,304 slots.
 */
export class SeasonalMemory {
  readonly #slotS: number
  readonly #sums: Float64Array
  readonly #counts: Float64Array
  #newest: number

  constructor(stepS: number, state?: SeasonalMemoryState) {
    this.#slotS = Math.max(SLOT_S, stepS)
    const slots = Math.ceil((DAYS * DAY_S) / this.#slotS)
    const isFit = state?.slotS === this.#slotS && state.sums.length === slots
    this.#sums = isFit ? Float64Array.from(state.sums) : new Float64Array(slots)
    this.#counts = isFit ? Float64Array.from(state.counts) : new Float64Array(slots)
    this.#newest = isFit ? state.newest : Number.NEGATIVE_INFINITY
  }

  /** Learns the rate of a step that ended at a time; NaN and what lies before the newest slot are left out. */
  learn(endMs: number, rps: number): void {
    const slot = Math.ceil(endMs / 1000 / this.#slotS) - 1
    if (!Number.isFinite(rps) || slot < this.#newest) return
    const from = Math.max(this.#newest + 1, slot - this.#sums.length + 1)
    for (let each = from; each <= slot; each++) {
      this.#sums[each % this.#sums.length] = 0
      this.#counts[each % this.#sums.length] = 0
    }
    this.#newest = slot
    const at = slot % this.#sums.length
    this.#sums[at] = (this.#sums[at] ?? 0) + rps
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
  }

  /** Mean rate of the slots that begin within ± `halfS` of a time, NaN where fewer than half of them are known. */
  mean(atMs: number, halfS: number): number {
    const first = Math.ceil((atMs / 1000 - halfS) / this.#slotS)
    const last = Math.floor((atMs / 1000 + halfS) / this.#slotS)
    let sum = 0
    let known = 0
    for (let slot = first; slot <= last; slot++) {
      if (slot > this.#newest || slot <= this.#newest - this.#sums.length) continue
      const count = this.#counts[slot % this.#sums.length] ?? 0
      if (count === 0) continue
      sum += (this.#sums[slot % this.#sums.length] ?? 0) / count
      known++
    }
    return known * 2 < last - first + 1 || known === 0 ? Number.NaN : sum / known
  }

  state(): SeasonalMemoryState {
    return {
      slotS: this.#slotS,
      newest: this.#newest,
      sums: Array.from(this.#sums),
      counts: Array.from(this.#counts),
    }
  }
}
