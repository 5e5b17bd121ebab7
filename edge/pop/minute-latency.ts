import { fromBase64, toBase64 } from '../../contract/base64.ts'
import { AtlasError } from '../../contract/errors.ts'
import type { Core } from '../../core-wasm/core.ts'
import { Sketch } from '../../core-wasm/sketch.ts'

/** Sketches of one minute, encoded, by series; null: no latency. */
type Encoded = readonly (Uint8Array | null)[]

/**
 * Latency sketches of the open minutes, by series. The minute that is written to lies in the core's memory, the others
 * wait encoded: within a tick nearly all aggregates belong to one minute, so they seldom change places. What cannot be
 * read, or is more than a sketch can count, is left out: a quantile is then one of fewer requests.
 */
export class MinuteLatency {
  readonly #series: readonly Sketch[]
  readonly #total: Sketch
  readonly #waiting = new Map<number, Encoded>()
  #hotMs: number | null = null

  constructor(core: Core, series: number) {
    this.#series = Array.from({ length: series }, () => new Sketch(core))
    this.#total = new Sketch(core)
  }

  /** @param latency an encoded sketch */
  add(minuteMs: number, series: number, latency: Uint8Array): void {
    this.#bring(minuteMs)
    merge(this.#series[series], latency)
  }

  /** 95 % quantiles of a minute in ms, by series and of all together; NaN where nothing was counted. */
  p95(minuteMs: number): { readonly series: readonly number[]; readonly total: number } {
    this.#bring(minuteMs)
    this.#total.clear()
    for (const bytes of this.#encoded()) if (bytes !== null) merge(this.#total, bytes)
    return { series: this.#series.map((sketch) => sketch.quantile(0.95)), total: this.#total.quantile(0.95) }
  }

  /** The sketches of a minute as text, by series; empty: none. */
  texts(minuteMs: number): string[] {
    const encoded = minuteMs === this.#hotMs ? this.#encoded() : (this.#waiting.get(minuteMs) ?? [])
    return encoded.map((bytes) => (bytes === null ? '' : toBase64(bytes)))
  }

  /** Takes up what `texts` gave. */
  restore(minuteMs: number, series: number, text: string): void {
    this.add(minuteMs, series, fromBase64(text))
  }

  forget(minuteMs: number): void {
    this.#waiting.delete(minuteMs)
    if (this.#hotMs !== minuteMs) return
    this.#clear()
    this.#hotMs = null
  }

  /** Series change their places, in all minutes alike; those that come to share one are merged. */
  remap(indexOf: (series: number) => number): void {
    this.#rest()
    for (const [minuteMs, encoded] of [...this.#waiting]) {
      encoded.forEach((bytes, series) => {
        if (bytes !== null) merge(this.#series[indexOf(series)], bytes)
      })
      this.#waiting.set(minuteMs, this.#encoded())
      this.#clear()
    }
  }

  /** Lays a minute into the core's memory. */
  #bring(minuteMs: number): void {
    if (this.#hotMs === minuteMs) return
    this.#rest()
    this.#hotMs = minuteMs
    this.#waiting.get(minuteMs)?.forEach((bytes, series) => {
      if (bytes !== null) merge(this.#series[series], bytes)
    })
    this.#waiting.delete(minuteMs)
  }

  /** Puts what lies in the core's memory aside. */
  #rest(): void {
    if (this.#hotMs !== null) this.#waiting.set(this.#hotMs, this.#encoded())
    this.#hotMs = null
    this.#clear()
  }

  #encoded(): Encoded {
    return this.#series.map((sketch) => (sketch.count === 0 ? null : sketch.encode()))
  }

  #clear(): void {
    for (const sketch of this.#series) if (sketch.count > 0) sketch.clear()
  }
}

function merge(sketch: Sketch | undefined, bytes: Uint8Array): void {
  try {
    sketch?.merge(bytes)
  } catch (thrown) {
    if (!(thrown instanceof AtlasError)) throw thrown
  }
}
