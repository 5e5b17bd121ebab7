/** What a running location and spread remember. Serialisable. */
export interface RunningScaleState {
  count: number
  centre: number
  spread: number
}

/** A step counts at most this many standard deviations (Huber's ψ), so that an outlier hardly moves what is usual. */
const HUBER_LIMIT = 4
/** Values before steps are limited: the first spread is still a guess. */
const FREE_STEPS = 20
/** Values before a deviation means anything. */
const LEAST_VALUES = 5
/** Mean absolute deviation of a normal distribution in standard deviations: sqrt(2 / π). */
const MEAN_ABS_NORMAL = 0.797884561

export const freshScale = (): RunningScaleState => ({ count: 0, centre: 0, spread: 0 })

/** Weight of one row when a half of the memory is `rows` rows old. */
export function rateOf(rows: number): number {
  return 1 - 2 ** (-1 / rows)
}

/**
 * How many mean absolute deviations `value` lies from the centre, with its sign; 0 while nothing is known.
 * @param least deviation that counts where the values' own is smaller
 */
export function deviation(scale: RunningScaleState, value: number, least: number): number {
  const spread = Math.max(least, scale.spread)
  return scale.count > LEAST_VALUES && spread > 0 ? (value - scale.centre) / spread : 0
}

/**
 * Learns a value: exponentially weighted mean and mean absolute deviation with Huber-limited steps (Gelper, Fried, Croux,
 * "Robust forecasting with exponential and Holt-Winters smoothing", 2010); the first values weigh alike.
 * @param centreRate weight of the value in the centre; 0 keeps the centre, for values that are residuals already
 */
export function learn(scale: RunningScaleState, value: number, centreRate: number, spreadRate: number): void {
  scale.count++
  const first = scale.count === 1 && centreRate > 0
  if (first) {
    scale.centre = value
    return
  }
  const limit = (HUBER_LIMIT * scale.spread) / MEAN_ABS_NORMAL
  const step = value - scale.centre
  const isFree = scale.count < FREE_STEPS || scale.spread === 0
  const limited = isFree ? step : Math.max(-limit, Math.min(limit, step))
  const youth = 1 / scale.count
  if (centreRate > 0) scale.centre += Math.max(centreRate, youth) * limited
  scale.spread += Math.max(spreadRate, youth) * (Math.abs(limited) - scale.spread)
}
