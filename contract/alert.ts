/** How far an anomaly has grown, by its calibrated score: 0.7, 0.85, 0.90, 0.95. */
export const ALERT_LEVELS = ['alert', 'region', 'early-warning', 'cascade'] as const
export type AlertLevel = (typeof ALERT_LEVELS)[number]

/**
 * What a PoP watches once a minute, of all traffic and of each module: requests a second, share of failures, p95 in ms; and, of
 * all traffic, how far the rate is from what was forecast five minutes before, in widths of that forecast's p10 to p90.
 */
export const ALERT_MEASURES = ['rate', 'errors', 'latency', 'residual'] as const
export type AlertMeasure = (typeof ALERT_MEASURES)[number]

/** What can be wrong with a module: its requests take too long, or they fail. */
export const FAULT_METRICS = ['latency', 'availability'] as const
export type FaultMetric = (typeof FAULT_METRICS)[number]
