import type { Quantiles } from '../messages.ts'
import { fromRelative, toRelative } from './forecast-window.ts'

export interface IntervalState {
  readonly below: number
  readonly above: number
}

const RATE = 0.03
/** Half an interval is never narrower than this, relative to the level. */
const LEAST = 0.01
const BOUNDS = { least: 0.05, most: 20 }

/**
 * Interval around a forecast with the reference's shape and a width that is drawn, each side by itself, to where a
 * tenth of the actuals lies outside: quantile tracking (Gibbs, Candès, "Adaptive conformal inference under distribution
 * shift", 2021), by factors.
 */
export class Interval {
  #below: number
  #above: number

  constructor(state: IntervalState = { below: 1, above: 1 }) {
    this.#below = state.below
    this.#above = state.above
  }

  /** p10 and p90 around a median. */
  around(median: number, reference: Quantiles, level: number): Quantiles {
    const [low, middle, high] = [reference.p10, reference.p50, reference.p90].map((rate) =>
      toRelative(rate, level),
    ) as [number, number, number]
    const centre = toRelative(median, level)
    return {
      p10: Math.min(median, fromRelative(centre - this.#below * Math.max(LEAST, middle - low), level)),
      p50: median,
      p90: Math.max(median, fromRelative(centre + this.#above * Math.max(LEAST, high - middle), level)),
    }
  }

  /** The truth of an interval that was given is known. */
  learn(given: Quantiles, actual: number): void {
    this.#below = moved(this.#below, actual < given.p10)
    this.#above = moved(this.#above, actual > given.p90)
  }

  state(): IntervalState {
    return { below: this.#below, above: this.#above }
  }
}

function moved(width: number, isOutside: boolean): number {
  const next = width * Math.exp(RATE * ((isOutside ? 1 : 0) - 0.1))
  return Math.min(BOUNDS.most, Math.max(BOUNDS.least, next))
}
