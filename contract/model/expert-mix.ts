/** What a mix remembers. Serialisable. */
export interface ExpertMixState {
  readonly weights: readonly number[]
  /** Running mean of the mix's absolute error; NaN before the first. */
  readonly scale: number
}

const RATE = 0.04
/** Weight that flows back to the beginning at each step: an expert that was bad for long can come back. */
const SHARE = 0.002
/** Steps over which the error's scale is averaged. */
const SCALE_STEPS = 300
/** An error counts for at most so many usual ones. */
const CLIP = 3

/**
 * A weighted mean of experts whose weights follow their errors: exponentiated gradient on the mean's absolute error
 * (Kivinen, Warmuth 1997), with a fixed share (Herbster, Warmuth 1998) of the weights it began with. Strictly online.
 */
export class ExpertMix {
  readonly #prior: readonly number[]
  #weights: number[]
  #scale: number

  constructor(prior: readonly number[], state?: ExpertMixState) {
    this.#prior = prior
    const isFit = state?.weights.length === prior.length
    this.#weights = [...(isFit ? state.weights : prior)]
    this.#scale = isFit ? state.scale : Number.NaN
  }

  /** Experts that do not know (NaN) are left out. */
  mean(answers: readonly number[]): number {
    let sum = 0
    let weight = 0
    answers.forEach((answer, at) => {
      if (!Number.isFinite(answer)) return
      sum += answer * (this.#weights[at] ?? 0)
      weight += this.#weights[at] ?? 0
    })
    return sum / weight
  }

  /** The truth of a mean that was given is known. */
  learn(answers: readonly number[], mean: number, actual: number): void {
    const error = Math.abs(mean - actual)
    this.#scale = Number.isNaN(this.#scale) ? error : this.#scale + (error - this.#scale) / SCALE_STEPS
    const side = Math.sign(mean - actual)
    const moved = this.#weights.map((weight, at) => {
      const answer = answers[at] ?? Number.NaN
      if (!Number.isFinite(answer)) return weight
      const pull = (side * (answer - mean)) / (this.#scale + Number.MIN_VALUE)
      return weight * Math.exp(-RATE * Math.min(CLIP, Math.max(-CLIP, pull)))
    })
    const total = moved.reduce((sum, weight) => sum + weight, 0)
    this.#weights = moved.map((weight, at) => (1 - SHARE) * (weight / total) + SHARE * (this.#prior[at] ?? 0))
  }

  state(): ExpertMixState {
    return { weights: this.#weights, scale: this.#scale }
  }
}
