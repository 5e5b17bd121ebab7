const WINDOW_MS = 2000
const MIN_REQUESTS = 5
const MIN_SHARE = 0.5

interface Sample {
  readonly atWallMs: number
  readonly requests: number
  readonly unreachable: number
}

/**
 * Passive crash detection for one PoP: a module's current target is suspect when, of at least 5 requests in the last
 * 2 s of wall time, half or more found it unreachable. Requests alone cannot convict it: a client that breaks off its own
 * uploads looks the same. It is crashed once a probe has met silence too, and alive again as soon as one request
 * reaches it in a tick where fewer than half fail, or a probe finds it ready.
 */
export class CrashWatch {
  readonly #windowMs: number
  #samples: Sample[][] = []
  #suspect = 0
  #crashed = 0

  /** @param tickMs wall time between ticks: the window is never shorter than two of them */
  constructor(tickMs: number) {
    this.#windowMs = Math.max(WINDOW_MS, 2 * tickMs)
  }

  /** Bit i: module i's current target is crashed. */
  get crashed(): number {
    return this.#crashed
  }

  /** Bit i: requests say that module i's current target is crashed, and no probe has answered yet. */
  get suspect(): number {
    return this.#suspect
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
    if (total >= MIN_REQUESTS && failed >= total * MIN_SHARE) this.#suspect |= bit & ~this.#crashed
    else if (requests > 0 && unreachable < requests * MIN_SHARE) this.#acquit(bit)
  }

  /** A probe of a suspect met silence. */
  confirm(module: number): void {
    const bit = 1 << module
    this.#crashed |= this.#suspect & bit
    this.#suspect &= ~bit
  }

  /** A probe of the module's current target was answered, or its target changed: forget what was seen. */
  clear(module: number): void {
    this.#samples[module] = []
    this.#acquit(1 << module)
  }

  /** The list of modules changed: indexes mean other modules now. */
  reset(): void {
    this.#samples = []
    this.#suspect = 0
    this.#crashed = 0
  }

  #acquit(bit: number): void {
    this.#suspect &= ~bit
    this.#crashed &= ~bit
  }
}
