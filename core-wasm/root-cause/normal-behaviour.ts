import type { FaultMetric } from '../../contract/alert.ts'
import { type ModuleHistory, type ModuleWindows, readings } from './module-metrics.ts'
import { median, quantile } from './order-statistics.ts'

/** How a module behaves in one metric when nothing is wrong. */
export interface NormalBehaviour {
  /** Ordinary reading of a window: ms, or failures per request. */
  readonly level: number
  /** Ordinary spread of an amount, per square root of the window's requests. */
  readonly noise: number
  /** Least spread of a window's amount, whatever the noise: failed requests. */
  readonly leastAmount: number
  /** Least spread per request, ms: smaller changes are nobody's fault. */
  readonly leastPerRequest: number
  /** Requests of an ordinary window, for windows where they are not known. */
  readonly requests: number
  /** False where requests were never counted: then amounts are told in ordinary spreads. */
  readonly counted: boolean
}

export interface NormalOptions {
  /** Windows that must have been measured before a module counts as known. */
  readonly minWindows: number
  /** Changes of latency below this share of its ordinary level are nobody's fault. */
  readonly leastChange: number
}

/** Windows beyond the ordinary: amounts, and the spread that each would ordinarily have. NaN where not measured. */
export interface Amounts {
  readonly amounts: Float64Array
  readonly scales: Float64Array
}

/** Standard deviations of a normal distribution at its 95 % quantile, and per median absolute deviation. */
const SIGMA_AT_95 = 1.645
const SIGMA_PER_MAD = 1.4826
/** Where requests are not counted, the least share of failures that is anybody's fault. */
const LEAST_FAILURE_RATE = 0.01

/**
 * Robust normal behaviour from few, partly missing windows.
 *
 *   level = mean of the normal median and the recent readings (the long normal counts as one recent window, so that
 *           a level which has drifted since is met half-way by a single recent window and nearly wholly by many)
 *   noise = max(1.4826 × MAD, (q95 − median) / 1.645)   of amount / √requests over the normal windows
 *
 * A window's mean spreads as 1 / √requests, so its amount (below) spreads as √requests. The upper quantile matters
 * where faults are rare and large and MAD is 0.
 * @returns null when fewer than `minWindows` windows were measured
 */
export function normalBehaviour(
  history: ModuleHistory,
  metric: FaultMetric,
  options: NormalOptions,
): NormalBehaviour | null {
  const ordinary = finite(readings(history.normal, metric))
  if (ordinary.length < options.minWindows) return null
  const middle = median(ordinary)
  const recent = history.recent === undefined ? [] : finite(readings(history.recent, metric))
  const counts = finite(history.normal.requests).filter((requests) => requests > 0)
  const counted = counts.length > 0
  const normal = {
    level: recent.reduce((sum, reading) => sum + reading, middle) / (recent.length + 1),
    leastAmount: metric === 'latency' ? 0 : counted ? 1 : LEAST_FAILURE_RATE,
    leastPerRequest: metric === 'latency' ? options.leastChange * middle : 0,
    requests: counted ? median(counts) : 1,
    counted,
  }
  const spread = Array.from(readings(history.normal, metric), (reading, window) => {
    return Math.sqrt(requestsOf(history.normal, window, normal.requests)) * (reading - middle)
  }).filter(Number.isFinite)
  const centre = median(spread)
  const mad = median(spread.map((amount) => Math.abs(amount - centre)))
  return {
    ...normal,
    noise: Math.max(SIGMA_PER_MAD * mad, (quantile(spread, 0.95) - centre) / SIGMA_AT_95),
  }
}

/**
 * What each window has beyond the ordinary, requests × (reading − level), so ms waited or requests failed; and its
 * ordinary spread. Amounts, unlike readings, add up along calls. Where requests were never counted, amounts cannot be
 * known and deviations (amount / spread) stand in for them: they do not grow along a path from cause to effect
 * (Orchard et al. 2025), so a callee that deviates as much as its caller explains it.
 */
export function amountsBeyond(windows: ModuleWindows, metric: FaultMetric, normal: NormalBehaviour): Amounts {
  const values = readings(windows, metric)
  const amounts = new Float64Array(values.length)
  const scales = new Float64Array(values.length)
  for (let window = 0; window < values.length; window++) {
    const requests = requestsOf(windows, window, normal.requests)
    const amount = requests * ((values[window] ?? Number.NaN) - normal.level)
    const scale = Math.max(
      normal.noise * Math.sqrt(requests),
      normal.leastAmount,
      normal.leastPerRequest * requests,
      Number.EPSILON,
    )
    amounts[window] = Number.isNaN(amount) && requests === 0 ? 0 : normal.counted ? amount : amount / scale
    scales[window] = normal.counted ? scale : 1
  }
  return { amounts, scales }
}

function requestsOf({ requests }: ModuleWindows, window: number, ordinary: number): number {
  const counted = requests[window]
  return counted !== undefined && Number.isFinite(counted) ? counted : ordinary
}

function finite(values: ArrayLike<number>): number[] {
  return Array.from(values).filter(Number.isFinite)
}
