import type { FaultMetric } from '../../contract/alert.ts'

/** One module's windows of equal length, oldest first; NaN or a missing entry = not measured. */
export interface ModuleWindows {
  readonly requests: ArrayLike<number>
  /** A statistic (mean or a quantile, the same in every period) of each window's latencies, ms. */
  readonly latencyMs: ArrayLike<number>
  /** Failed requests as a share of `requests`, 0..1. */
  readonly failureRate: ArrayLike<number>
}

/** One module in three periods; the windows of a period are the same instants for every module. */
export interface ModuleHistory {
  /** Ordinary operation, from whatever time. */
  readonly normal: ModuleWindows
  /** The last ordinary windows before the alarm, where there are such: they carry the level of today. */
  readonly recent?: ModuleWindows
  /** The windows of the anomaly. */
  readonly during: ModuleWindows
}

/** The readings of one metric: ms, or a share 0..1. */
export function readings(windows: ModuleWindows, metric: FaultMetric): ArrayLike<number> {
  return metric === 'latency' ? windows.latencyMs : windows.failureRate
}
