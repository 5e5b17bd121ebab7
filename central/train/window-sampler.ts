import { OUTPUT_SIZE, stepsAhead, toRelative, windowFeatures } from '../../contract/model/forecast-window.ts'
import { HORIZONS_MIN, LOOKBACK, QUANTILE_LEVELS } from '../../contract/model/series.ts'
import type { Random } from '../../contract/ports.ts'
import { FORECASTER_SHAPE } from './network.ts'
import { historyAt, type TrafficSeries } from './traffic-series.ts'
import type { Batch } from './trainer.ts'

/** A series to draw windows from, and how often relative to the others. */
export interface Source {
  readonly series: TrafficSeries
  /** Samples that may be used, targets included: the first `usable`. */
  readonly usable: number
  readonly share: number
}

/**
 * A window weighs less the noisier it is, so that a quiet series, whose errors are small, is learnt as well as a noisy
 * one. The weight depends on the window alone, so the quantiles stay what they are.
 */
const LEAST_NOISE = 0.05

/** Of a generated series' windows, those that end while a surge builds up or has just come: rare, and what matters most. */
const SURGE_SHARE = 0.2

/** Windows with more missing samples than this teach nothing. */
const MOST_MISSING = 20

/** Draws random windows with their targets from weighted sources and lays them out for the training graph. */
export class WindowSampler {
  readonly #sources: readonly Source[]
  readonly #cumulative: readonly number[]
  readonly #random: Random
  /** Windows drawn so far, by the series' name. */
  readonly drawn = new Map<string, number>()

  constructor(sources: readonly Source[], random: Random) {
    this.#sources = sources.filter(({ usable }) => usable > LOOKBACK)
    if (this.#sources.length === 0) throw new RangeError('no source has more samples than one window')
    let sum = 0
    this.#cumulative = this.#sources.map(({ share }) => (sum += share))
    this.#random = random
  }

  batch(size: number): Batch {
    const { features, lookback, outputs } = FORECASTER_SHAPE
    const batch = {
      x: new Float32Array(lookback * size * features),
      lags: new Float32Array(size * (lookback + 1)),
      y: new Float32Array(size * outputs),
      weight: new Float32Array(size * outputs),
    }
    for (let item = 0; item < size; item++) {
      while (!this.#put(batch, item, size));
    }
    return batch
  }

  /** False when the drawn window is too full of gaps. */
  #put(batch: Batch, item: number, size: number): boolean {
    const source = this.#pick()
    const { series, usable } = source
    const origin = this.#surge(source) ?? this.#anywhere(source)
    if (origin < LOOKBACK - 1 || origin >= usable) return false
    const targets = HORIZONS_MIN.map((horizon) => {
      const at = origin + stepsAhead(horizon, series.stepS)
      return at < usable ? (series.rps[at] ?? Number.NaN) : Number.NaN
    })
    if (targets.every(Number.isNaN)) return false
    const { features, level, missing } = windowFeatures(historyAt(series, origin))
    if (missing > MOST_MISSING) return false
    const { features: columns, lookback, rateColumn, noiseColumn } = FORECASTER_SHAPE
    for (let step = 0; step < lookback; step++) {
      const row = features.subarray(step * columns, (step + 1) * columns)
      batch.x.set(row, (step * size + item) * columns)
      batch.lags[item * (lookback + 1) + step] = row[rateColumn] ?? 0
    }
    const noise = features[(lookback - 1) * columns + noiseColumn] ?? 0
    batch.lags[item * (lookback + 1) + lookback] = noise
    const weight = LEAST_NOISE / (LEAST_NOISE + noise)
    targets.forEach((target, horizon) => {
      if (Number.isNaN(target)) return
      const at = item * OUTPUT_SIZE + horizon * QUANTILE_LEVELS.length
      batch.y.fill(toRelative(target, level), at, at + QUANTILE_LEVELS.length)
      batch.weight.fill(weight, at, at + QUANTILE_LEVELS.length)
    })
    this.drawn.set(series.name, (this.drawn.get(series.name) ?? 0) + 1)
    return true
  }

  #anywhere({ usable }: Source): number {
    return LOOKBACK - 1 + Math.floor(this.#random.next() * (usable - LOOKBACK))
  }

  /** In a part of the draws, a step of a surge's rise. */
  #surge({ series: { surges = [] } }: Source): number | undefined {
    if (surges.length === 0 || this.#random.next() >= SURGE_SHARE) return undefined
    return surges[Math.floor(this.#random.next() * surges.length)]
  }

  #pick(): Source {
    const total = this.#cumulative.at(-1) ?? 0
    const at = this.#random.next() * total
    const source = this.#sources[this.#cumulative.findIndex((sum) => at < sum)]
    if (source === undefined) throw new RangeError('no source')
    return source
  }
}
