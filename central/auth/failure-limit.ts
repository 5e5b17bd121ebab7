/** How many failed attempts an address may make, and how many addresses are remembered. */
export interface FailureLimitOptions {
  readonly failures: number
  readonly windowMs: number
  readonly addresses?: number
}

/**
 * Counts failed authentications per address over a window that begins with the first. No clock: the caller says when.
 * When more addresses fail than are remembered, the oldest is forgotten.
 */
export class FailureLimit {
  readonly #options: Required<FailureLimitOptions>
  readonly #windows = new Map<string, { startMs: number; failures: number }>()

  constructor(options: FailureLimitOptions) {
    this.#options = { addresses: 10_000, ...options }
  }

  /** Notes a failure. Returns 0, or, beyond the limit, the milliseconds to wait. */
  fail(address: string, nowMs: number): number {
    const { failures, windowMs, addresses } = this.#options
    const known = this.#windows.get(address)
    if (known && nowMs - known.startMs < windowMs) {
      known.failures += 1
      return known.failures > failures ? known.startMs + windowMs - nowMs : 0
    }
    this.#windows.delete(address)
    this.#windows.set(address, { startMs: nowMs, failures: 1 })
    if (this.#windows.size > addresses) {
      for (const oldest of this.#windows.keys()) {
        this.#windows.delete(oldest)
        break
      }
    }
    return 0
  }
}
