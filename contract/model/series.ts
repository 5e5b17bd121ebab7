/** Steps of history a forecaster reads. Below this a series is `warming`. */
export const LOOKBACK = 60
/** Horizons of a forecast, minutes ahead. */
export const HORIZONS_MIN = [5, 15, 60] as const
/** Quantile levels of each horizon's interval. */
export const QUANTILE_LEVELS = [0.1, 0.5, 0.9] as const

/** The recent past of one series, one sample a step, the oldest first. */
export interface SeriesHistory {
  /** `total`, or a module's name. */
  readonly name: string
  /** Seconds between samples: 60, or the series' native step. */
  readonly stepS: number
  /** Trace time at the end of the last step, milliseconds UTC. */
  readonly endMs: number
  /** Requests a second; NaN where a sample is missing. */
  readonly rps: readonly number[]
  /** Share of answers that were 5xx or unreachable, 0..1; NaN where unknown. */
  readonly errorRate: readonly number[]
  /** What the origin reports of itself, each 0..1 of its capacity; left out, or NaN, where it reports nothing. */
  readonly cpu?: readonly number[]
  readonly memory?: readonly number[]
  readonly dbQueue?: readonly number[]
  /** Whether the last step's day is a holiday; left out where nobody said. */
  readonly holiday?: boolean
}

/** What one tick saw of the whole PoP: the raw input of the anomaly features. NaN where nothing was measured. */
export interface TickSummary {
  readonly atMs: number
  readonly rps: number
  readonly errorRate: number
  readonly unreachableRate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly bytesPerS: number
}
