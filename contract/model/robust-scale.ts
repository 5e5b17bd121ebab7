/** What a robust running location and scale remember. Serialisable. */
export interface RobustScaleState {
  readonly count: number
  readonly centre: number
  readonly spread: number
}

/** Innovations beyond this many spreads move centre and spread no further. */
const HUBER_LIMIT = 3
/** Mean absolute deviation of a normal distribution, as a share of its standard deviation: sqrt(2 / π). */
const MEAN_ABS_NORMAL = 0.797884561
const Z_LIMIT = 12

/**
 * Exponentially weighted location and scale that a few outliers cannot pull away: innovations are clipped at 3 spreads
 * before they count (Huber's ψ; cf. Gelper, Fried, Croux, "Robust forecasting with exponential and Holt-Winters
 * smoothing", 2010). Streaming, constant memory.
 */
export class RobustScale {
  #count: number
  #centre: number
  #spread: number
  readonly #floor: number

  /** @param floor the least spread taken for real, in the unit of the values */
  constructor(floor: number, state: RobustScaleState = { count: 0, centre: 0, spread: 0 }) {
    this.#floor = floor
    this.#count = state.count
    this.#centre = state.centre
    this.#spread = state.spread
  }

  /** How many standard deviations `value` lies from the centre so far, −12..12; 0 for NaN and before the second value. */
  z(value: number): number {
    if (this.#count < 2 || Number.isNaN(value)) return 0
    const z = (value - this.#centre) / this.#sigma()
    return Math.min(Z_LIMIT, Math.max(-Z_LIMIT, z))
  }

  /** Learns a value with weight `alpha` (at first 1/n, so that the start is a plain mean). NaN is left out. */
  learn(value: number, alpha: number): void {
    if (Number.isNaN(value)) return
    this.#count++
    if (this.#count === 1) {
      this.#centre = value
      return
    }
    const weight = Math.max(alpha, 1 / this.#count)
    const innovation = value - this.#centre
    const limit = this.#count < 10 ? Number.POSITIVE_INFINITY : HUBER_LIMIT * this.#sigma()
    const clipped = Math.min(limit, Math.max(-limit, innovation))
    this.#centre += weight * clipped
    this.#spread += weight * (Math.abs(clipped) - this.#spread)
  }

  state(): RobustScaleState {
    return { count: this.#count, centre: this.#centre, spread: this.#spread }
  }

  #sigma(): number {
    return Math.max(this.#floor, this.#spread / MEAN_ABS_NORMAL)
  }
}
