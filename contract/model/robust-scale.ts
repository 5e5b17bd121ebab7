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
const LINEAR_LIMIT = 4
const Z_LIMIT = 20

/**
 * Exponentially weighted location and scale that a few outliers cannot pull away: innovations are clipped at 3 spreads
 * before they count (Huber's ψ; cf. Gelper, Fried, Croux, "Robust forecasting with exponential and Holt-Winters
 * smoothing", 2010). Streaming, constant memory.
 */
export class RobustScale {
  #count: number
  #centre: number
  #spread: number

  constructor(state: RobustScaleState = { count: 0, centre: 0, spread: 0 }) {
    this.#count = state.count
    this.#centre = state.centre
    this.#spread = state.spread
  }

  /**
   * How many standard deviations `value` lies from the centre so far; 0 for NaN and before the second value. Beyond ±4 it
   * grows with the logarithm, 4 (1 + ln(|z| / 4)), up to ±20: far out is told from farther out, and nothing is infinite.
   * @param floor the least standard deviation taken for real, in the unit of the values
   */
  z(value: number, floor: number): number {
    if (this.#count < 2 || Number.isNaN(value)) return 0
    const z = (value - this.#centre) / this.#sigma(floor)
    const size = Math.abs(z)
    if (size <= LINEAR_LIMIT) return z
    return Math.sign(z) * Math.min(Z_LIMIT, LINEAR_LIMIT * (1 + Math.log(size / LINEAR_LIMIT)))
  }

  /** Learns a value with weight `alpha` (at first 1/n, so that the start is a plain mean). NaN is left out. */
  learn(value: number, alpha: number, floor: number): void {
    if (Number.isNaN(value)) return
    this.#count++
    if (this.#count === 1) {
      this.#centre = value
      return
    }
    const weight = Math.max(alpha, 1 / this.#count)
    const innovation = value - this.#centre
    const limit = this.#count < 10 ? Number.POSITIVE_INFINITY : HUBER_LIMIT * this.#sigma(floor)
    const clipped = Math.min(limit, Math.max(-limit, innovation))
    this.#centre += weight * clipped
    this.#spread += weight * (Math.abs(clipped) - this.#spread)
  }

  get centre(): number {
    return this.#centre
  }

  state(): RobustScaleState {
    return { count: this.#count, centre: this.#centre, spread: this.#spread }
  }

  #sigma(floor: number): number {
    return Math.max(floor, this.#spread / MEAN_ABS_NORMAL)
  }
}
