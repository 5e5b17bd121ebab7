const WINDOW_MS = 2000
const MIN_REQUESTS = 5
const MIN_SHARE = 0.5

interface Sample {
  readonly atWallMs: number
  readonly requests: number
  readonly unreachable: number
}

/**
 * Passive crash detection for one PoP: a module's current target is crashed when, of at least 5 requests in the last
 * 2 s of wall time, half or more found it unreachable. It is alive again as soon as one request reaches it in a tick
 * where fewer than half fail, or a probe of its health path succeeds.
 */
export class CrashWatch {
  readonly #windowMs: number
  #samples: Sample[][] = []
  #crashed = 0

  /** @param tickMs wall time between ticks: the window is never shorter than two of them */
  constructor(tickMs: number) {
    this.#windowMs = Math.max(WINDOW_MS, 2 * tickMs)
  }

  /** Bit i: module i's current target is crashed. */
  get crashed(): number {
    return this.#crashed
  }

  /** One tick's requests of one module to its current target. */
  push(module: number, atWallMs: number, requests: number, unreachable: number): void {
    const bit = 1 << module
    const samples = (this.#samples[module] ?? []).filter((old) => atWallMs - old.atWallMs < this.#windowMs)
    if (requests > 0) samples.push({ atWallMs, requests, unreachable })
    this.#samples[module] = samples
    let total = 0
    let failed = 0
    for (const sample of samples) {
      total += sample.requests
      failed += sample.unreachable
    }
    if (total >= MIN_REQUESTS && failed >= total * MIN_SHARE) this.#crashed |= bit
    else if (requests > 0 && unreachable < requests * MIN_SHARE) this.#crashed &= ~bit
  }

  /** A probe of the module's current target succeeded, or its target changed: forget what was seen. */
  clear(module: number): void {
    this.#samples[module] = []
    this.#crashed &= ~(1 << module)
  }

  /** The list of modules changed: indexes mean other modules now. */
  reset(): void {
    this.#samples = []
    this.#crashed = 0
  }
}
