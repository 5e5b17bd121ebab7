/** What an online regression remembers. Serialisable. */
export interface OnlineLinearState {
  readonly weights: readonly number[]
  /** Lower triangle of the covariance of the weights, row after row. */
  readonly covariance: readonly number[]
  /** Running means of its absolute error and of the samples' weight; NaN before the first. */
  readonly error: number
  readonly usual: number
}

/** Variance of each weight before anything is known, in units of the target's usual error for a feature of 0.1. */
const PRIOR_VARIANCE = 0.1
/** What a weight may wander a sample, as a share of that. */
const WANDER = 1e-5
const FEATURE_SCALE = 0.1
const ERROR_STEPS = 300
const WEIGHT_STEPS = 1500
/** A sample counts for at most so many usual ones. */
const MOST_WEIGHT = 4
/** Errors above this share of the usual one count in proportion to their size, not to its square. */
const STRAIGHT = 0.5
/** An answer is bounded to ±1: a factor of e^½ at the level. */
const MOST = 1

/**
 * A linear regression that learns each sample as it comes: a Kalman filter whose weights wander a little (recursive
 * least squares, with ridge: Haykin, "Adaptive filter theory", 10), with samples weighed so that it follows the absolute error
 * (Huber's weights). It begins at 0.
 */
export class OnlineLinear {
  readonly #weights: Float64Array
  readonly #covariance: Float64Array[]
  #error: number
  #usual: number

  constructor(size: number, state?: OnlineLinearState) {
    const isFit = state?.weights.length === size && state.covariance.length === (size * (size + 1)) / 2
    this.#weights = isFit ? Float64Array.from(state.weights) : new Float64Array(size)
    this.#covariance = Array.from({ length: size }, (_, row) =>
      Float64Array.from({ length: size }, (_, column) => {
        if (!isFit) return row === column ? PRIOR_VARIANCE : 0
        const [low, high] = row < column ? [row, column] : [column, row]
        return state.covariance[(high * (high + 1)) / 2 + low] ?? 0
      }),
    )
    this.#error = isFit ? state.error : Number.NaN
    this.#usual = isFit ? state.usual : Number.NaN
  }

  answer(features: readonly number[]): number {
    return Math.min(MOST, Math.max(-MOST, product(this.#weights, features)))
  }

  /** @param weight how much a sample's error matters beside the others' */
  learn(features: readonly number[], target: number, weight: number): void {
    const size = this.#weights.length
    if (features.length !== size) return
    const missed = target - product(this.#weights, features)
    const error = Math.abs(missed)
    this.#error = Number.isNaN(this.#error) ? error : this.#error + (error - this.#error) / ERROR_STEPS
    this.#usual = Number.isNaN(this.#usual) ? weight : this.#usual + (weight - this.#usual) / WEIGHT_STEPS
    if (!(this.#error > 0) || !(this.#usual > 0)) return
    const share = Math.min(MOST_WEIGHT, weight / this.#usual)
    const trust = (share / Math.max(error / this.#error, STRAIGHT)) * (FEATURE_SCALE / this.#error) ** 2
    const gains = this.#covariance.map((row) => product(row, features))
    const doubt = gains.reduce((sum, gain, at) => sum + gain * (features[at] ?? 0), 1 / trust)
    gains.forEach((gain, at) => {
      this.#weights[at] = (this.#weights[at] ?? 0) + (gain / doubt) * missed
    })
    this.#covariance.forEach((row, at) => {
      const gain = gains[at] ?? 0
      for (let column = 0; column < size; column++)
        row[column] = (row[column] ?? 0) - (gain * (gains[column] ?? 0)) / doubt
      row[at] = Math.min(PRIOR_VARIANCE, (row[at] ?? 0) + WANDER * PRIOR_VARIANCE)
    })
  }

  state(): OnlineLinearState {
    return {
      weights: Array.from(this.#weights),
      covariance: this.#covariance.flatMap((row, at) => Array.from(row.subarray(0, at + 1))),
      error: this.#error,
      usual: this.#usual,
    }
  }
}

function product(weights: Float64Array, features: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < weights.length; at++) sum += (weights[at] ?? 0) * (features[at] ?? 0)
  return sum
}
