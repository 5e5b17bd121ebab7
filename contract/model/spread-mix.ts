/** What a mix remembers. Serialisable. */
export interface SpreadMixState {
  /** Discounted sum of each expert's absolute error, and the discounted count, by how far the experts lay apart. */
  readonly errors: readonly (readonly number[])[]
  readonly counts: readonly number[]
  /** Running mean of how far apart they lie; NaN before the first. */
  readonly spread: number
}

/** An answer of a mix: what it learns from, once the truth is known, beside the experts' answers. */
export interface Mixed {
  readonly answer: number
  /** 0: the experts lay no further apart than usual; 1: up to three times as far; 2: further. */
  readonly apart: number
}

const CUTS = [1, 3]
/** Samples after which half of an error is forgotten are 0.7 × this. */
const MEMORY = 2000
/** A tenth more error leaves a seventh of the weight. */
const POWER = 20
const SPREAD_STEPS = 500
/** Weight that is left out at either end before the mean is taken. */
const TRIM = 0.25
/** Order statistics between which experts lie apart. */
const LOW = 0.15
const HIGH = 0.85

/**
 * A mix of experts by their discounted absolute errors: weight = prior × (least error / error)^power, and the answer is the
 * weighted interquartile mean (robust as a median, smooth as a mean). Experts that lie further apart than usual are at
 * something that is rare, and weighed by their errors in such cases alone, so that quiet hours do not choose for
 * surges. Strictly online.
 */
export class SpreadMix {
  readonly #prior: readonly number[]
  readonly #doubt: number
  readonly #errors: number[][]
  readonly #counts: number[]
  #spread: number

  /**
   * @param prior what each expert begins with
   * @param doubt every expert begins as if it had erred as the mean of them so many times: what few samples tell is not
   * believed much
   */
  constructor(prior: readonly number[], doubt: number, state?: SpreadMixState) {
    this.#prior = prior
    this.#doubt = doubt
    const isFit = state?.errors.every((errors) => errors.length === prior.length) === true
    this.#errors = [0, ...CUTS].map((_, apart) => [
      ...((isFit && state?.errors[apart]) || prior.map(() => 0)),
    ])
    this.#counts = [0, ...CUTS].map((_, apart) => (isFit && state?.counts[apart]) || 0)
    this.#spread = isFit ? (state?.spread ?? Number.NaN) : Number.NaN
  }

  /** Experts that do not know (NaN) are left out; NaN when none knows. */
  mix(answers: readonly number[]): Mixed {
    const order = [...answers.keys()]
      .filter((at) => Number.isFinite(answers[at]))
      .sort((a, b) => (answers[a] ?? 0) - (answers[b] ?? 0))
    const ordered = (share: number) => answers[order[Math.floor(share * order.length)] ?? -1] ?? Number.NaN
    const spread = ordered(HIGH) - ordered(LOW)
    if (Number.isNaN(spread)) return { answer: Number.NaN, apart: 0 }
    if (Number.isNaN(this.#spread)) this.#spread = spread
    const usual = this.#spread
    const apart = CUTS.filter((cut) => spread > cut * usual).length
    this.#spread += (spread - usual) / SPREAD_STEPS
    return { answer: trimmedMean(order, answers, this.#weights(apart)), apart }
  }

  /** The truth of an answer that was given is known. */
  learn(answers: readonly number[], { answer: given, apart }: Mixed, actual: number): void {
    const keep = 1 - 1 / MEMORY
    const errors = this.#errors[apart] ?? []
    errors.forEach((error, at) => {
      const answer = answers[at] ?? Number.NaN
      errors[at] = error * keep + Math.abs((Number.isFinite(answer) ? answer : given) - actual)
    })
    this.#counts[apart] = (this.#counts[apart] ?? 0) * keep + 1
  }

  state(): SpreadMixState {
    return {
      errors: this.#errors.map((errors) => [...errors]),
      counts: [...this.#counts],
      spread: this.#spread,
    }
  }

  #weights(apart: number): number[] {
    const errors = this.#errors[apart] ?? []
    const count = this.#counts[apart] ?? 0
    const usual = count > 0 ? errors.reduce((sum, error) => sum + error, 0) / errors.length / count : 1
    const doubted = errors.map((error) => error + this.#doubt * usual)
    const least = Math.min(...doubted)
    return doubted.map((error, at) => (error > 0 ? (least / error) ** POWER : 1) * (this.#prior[at] ?? 0))
  }
}

/** Mean of what lies between the weighted quartiles. */
function trimmedMean(
  order: readonly number[],
  answers: readonly number[],
  weights: readonly number[],
): number {
  const total = order.reduce((sum, at) => sum + (weights[at] ?? 0), 0)
  let [from, sum, taken] = [0, 0, 0]
  for (const at of order) {
    const to = from + (weights[at] ?? 0) / total
    const share = Math.min(to, 1 - TRIM) - Math.max(from, TRIM)
    if (share > 0) {
      sum += share * (answers[at] ?? 0)
      taken += share
    }
    from = to
  }
  return sum / taken
}
