import type { TrafficSeries } from './traffic-series.ts'
import type { Source } from './window-sampler.ts'

/** Of the windows drawn, beside one whole of generated traffic and traces. */
const RECORDED_SHARE = 0.5
const EXAMPLES_SHARE = 0.25

/**
 * What PoPs recorded as sources of the forecaster's training: their minutes, weighted by the root of their length, and windows
 * around incidents, which are few and short and are drawn far more often than their length would have it.
 */
export function furtherSources(
  recorded: readonly TrafficSeries[],
  examples: readonly TrafficSeries[],
): Source[] {
  const roots = recorded.map(({ rps }) => Math.sqrt(rps.length))
  const total = roots.reduce((sum, root) => sum + root, 0)
  const whole = (series: TrafficSeries, share: number) => ({ series, usable: series.rps.length, share })
  return [
    ...recorded.map((series, index) => whole(series, (RECORDED_SHARE * (roots[index] ?? 0)) / total)),
    ...examples.map((series) => whole(series, EXAMPLES_SHARE / examples.length)),
  ]
}
