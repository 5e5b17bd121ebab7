export interface HoltState {
  readonly level: number
  readonly trend: number
}

const TREND_RATE = 0.05
const DAMPING = 0.95

/** Damped exponential smoothing of level and trend (Gardner, McKenzie 1985). A missing sample is as foretold. */
export class Holt {
  readonly #rate: number
  #level: number
  #trend: number

  constructor(rate: number, state: HoltState = { level: Number.NaN, trend: 0 }) {
    this.#rate = rate
    this.#level = state.level
    this.#trend = state.trend
  }

  learn(value: number): void {
    if (Number.isNaN(this.#level)) {
      this.#level = value
      return
    }
    const foretold = this.#level + DAMPING * this.#trend
    const level = Number.isFinite(value) ? foretold + this.#rate * (value - foretold) : foretold
    this.#trend = TREND_RATE * (level - this.#level) + (1 - TREND_RATE) * DAMPING * this.#trend
    this.#level = level
  }

  ahead(steps: number): number {
    const damped = (DAMPING * (1 - DAMPING ** steps)) / (1 - DAMPING)
    return Math.max(0, this.#level + damped * this.#trend)
  }

  state(): HoltState {
    return { level: this.#level, trend: this.#trend }
  }
}
