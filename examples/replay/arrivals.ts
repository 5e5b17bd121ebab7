import type { Random } from '../../contract/ports.ts'

/**
 * Arrivals of a Poisson process whose rate changes with time, by thinning (Lewis and Shedler 1979): candidates come at the
 * highest rate, and each is kept with the share that the rate of its moment has of it.
 */
export class Arrivals {
  readonly #rate: (atMs: number) => number
  readonly #highest: number
  readonly #random: Random
  #nextMs: number

  /** @param rate requests a second at a time; never above `highest` */
  constructor(rate: (atMs: number) => number, highest: number, random: Random) {
    this.#rate = rate
    this.#highest = highest
    this.#random = random
    this.#nextMs = this.#step(0)
  }

  /** Times of the arrivals up to a moment that have not been handed out yet, in milliseconds since the start. */
  upTo(atMs: number): number[] {
    const times: number[] = []
    while (this.#nextMs <= atMs) {
      if (this.#random.next() * this.#highest < this.#rate(this.#nextMs)) times.push(this.#nextMs)
      this.#nextMs = this.#step(this.#nextMs)
    }
    return times
  }

  #step(fromMs: number): number {
    return fromMs - (Math.log(1 - this.#random.next()) / this.#highest) * 1000
  }
}
