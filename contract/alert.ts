/** How far an anomaly has grown, by its calibrated score: 0.7, 0.85, 0.90, 0.95. */
export const ALERT_LEVELS = ['alert', 'region', 'early-warning', 'cascade'] as const
export type AlertLevel = (typeof ALERT_LEVELS)[number]

/** What a PoP watches of all traffic and of each module, once a minute: requests a second, share of failures, p95 in ms. */
export const ALERT_MEASURES = ['rate', 'errors', 'latency'] as const
export type AlertMeasure = (typeof ALERT_MEASURES)[number]

/** What can be wrong with a module: its requests take too long, or they fail. */
export const FAULT_METRICS = ['latency', 'availability'] as const
export type FaultMetric = (typeof FAULT_METRICS)[number]
