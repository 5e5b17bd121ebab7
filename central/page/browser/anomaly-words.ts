import type { AlertMeasure, FaultMetric } from '../../../contract/alert.ts'

/** What the features of an anomaly's explanation (ANOMALY_FEATURES) mean, in words. The page and the explanations share them. */
const FEATURE_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    rpsZ1m: 'traffic against its last minute',
    rpsZ10m: 'traffic against its last 10 minutes',
    rpsZ60m: 'traffic against its last hour',
    rpsStepZ: 'jump of traffic from one tick to the next',
    rpsDeviation: 'largest deviation of traffic',
    errorRate: 'share of failed requests',
    errorRateZ: 'failures against their last 10 minutes',
    unreachableRate: 'share of requests whose origin was unreachable',
    p50Z: 'median latency against its last 10 minutes',
    p99Z: 'p99 latency against its last 10 minutes',
    tailRatio: 'p99 latency against the median',
    tailRatioZ: 'latency tail against its last 10 minutes',
    latencyDeviation: 'largest deviation of latency',
    bytesPerRequestZ: 'bytes a request against their last 10 minutes',
    hourSin: 'time of day',
    hourCos: 'time of day',
  }),
)

/** A feature in words; one that a newer PoP made up stands as it came. */
export function featureWords(feature: string): string {
  return FEATURE_WORDS.get(feature) ?? feature
}

/** Features in words, each once. */
export function featuresInWords(features: readonly string[]): string[] {
  return [...new Set(features.map(featureWords))]
}

interface MeasureWords {
  readonly name: string
  readonly unit: string
  /** Of one unit to what a PoP sends. */
  readonly per: number
}

const MEASURES: Readonly<Record<AlertMeasure, MeasureWords>> = {
  rate: { name: 'request rate', unit: 'req/s', per: 1 },
  errors: { name: 'failures', unit: '%', per: 100 },
  latency: { name: 'p95 latency', unit: 'ms', per: 1 },
  residual: { name: 'distance from the forecast', unit: "widths of the forecast's interval", per: 1 },
}

/** What is measured: `p95 latency of cart`. */
export function seriesWords(measure: AlertMeasure, module: string | null): string {
  return `${MEASURES[measure].name} of ${module === null ? 'all traffic' : moduleWords(module)}`
}

/** A reading with its unit: `3.1 %`. */
export function amountWords(measure: AlertMeasure, value: number): string {
  const { unit, per } = MEASURES[measure]
  return `${numberWords(value * per)} ${unit}`
}

/** A figure with a decimal where it matters. */
export function numberWords(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 })
}

/** A module's name, or what PoPs call the requests that no module's route matches. */
export function moduleWords(module: string): string {
  return module === '(unrouted)' ? 'unrouted traffic' : module
}

/** What is wrong with a suspect. */
export const FAULT_WORDS: Readonly<Record<FaultMetric, string>> = {
  latency: 'slow',
  availability: 'failing',
}
