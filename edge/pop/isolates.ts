const MAX_ISOLATES = 10_000

/** Which isolates have reported lately. */
export class Isolates {
  readonly #windowMs: number
  readonly #seen = new Map<string, number>()

  /** @param tickMs wall time between flushes: the window is 3 s, and never shorter than three of them */
  constructor(tickMs: number) {
    this.#windowMs = Math.max(3000, 3 * tickMs)
  }

  saw(isolate: string, wallMs: number): void {
    this.#seen.delete(isolate)
    if (this.#seen.size >= MAX_ISOLATES) {
      for (const oldest of this.#seen.keys()) {
        this.#seen.delete(oldest)
        break
      }
    }
    this.#seen.set(isolate, wallMs)
  }

  count(wallMs: number): number {
    for (const [isolate, at] of this.#seen) {
      if (wallMs - at < this.#windowMs) break
      this.#seen.delete(isolate)
    }
    return this.#seen.size
  }
}
