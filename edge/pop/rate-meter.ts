/**
 * Requests a second of trace time over a sliding window: sum of counts × weight / time covered.
 * The window is ten trace seconds, and at least four ticks: isolates flush once a tick, out of step with it, so that a
 * single tick may see no flush of an isolate or two.
 */
export class RateMeter {
  readonly #weight: number
  readonly #windowMs: number
  #ticks: { readonly spanMs: number; readonly counts: Float64Array }[] = []

  constructor(options: { weight: number; tickMs: number; speed: number }) {
    this.#weight = options.weight
    this.#windowMs = Math.max(10_000, 4 * options.tickMs * options.speed)
  }

  /** @param counts requests per series during the last `spanMs` of trace time */
  push(spanMs: number, counts: Float64Array): void {
    if (!(spanMs > 0)) {
      const last = this.#ticks.at(-1)
      if (last === undefined) return
      for (const [index, count] of counts.entries()) last.counts[index] = (last.counts[index] ?? 0) + count
      return
    }
    this.#ticks.push({ spanMs: Math.min(spanMs, this.#windowMs), counts })
    let covered = 0
    let keep = this.#ticks.length
    while (keep > 0 && covered < this.#windowMs) covered += this.#ticks[--keep]?.spanMs ?? 0
    if (keep > 0) this.#ticks.splice(0, keep)
  }

  /** Requests a second of one series; 0 before the first tick. */
  rps(series: number): number {
    let requests = 0
    let spanMs = 0
    for (const tick of this.#ticks) {
      requests += tick.counts[series] ?? 0
      spanMs += tick.spanMs
    }
    return spanMs === 0 ? 0 : (requests * this.#weight * 1000) / spanMs
  }

  /** Series mean something else now: what was counted for each goes to another index. */
  remap(indexOf: (series: number) => number): void {
    this.#ticks = this.#ticks.map(({ spanMs, counts }) => {
      const moved = new Float64Array(counts.length)
      counts.forEach((count, series) => {
        const to = indexOf(series)
        moved[to] = (moved[to] ?? 0) + count
      })
      return { spanMs, counts: moved }
    })
  }
}
