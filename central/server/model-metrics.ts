import type { PopView } from '../ingest/view.ts'
import { driftOf, HORIZONS, statesOf } from '../registry/measured.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ModelMetric {
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

/** What PoPs measure of their models, as gauges: error, drift, the rival beside the champion, shift of the traffic. */
export function modelMetrics(pops: readonly PopView[]): ModelMetric[] {
  const states = statesOf(pops)
  const drifts = driftOf(pops)
  return [
    {
      name: 'atlas_model_release',
      help: 'Release of models in force, 0 for the bundled model',
      samples: states.map(({ pop, models }) => ({ labels: { pop }, value: models.release })),
    },
    {
      name: 'atlas_model_wape_percent',
      help: 'Weighted absolute percentage error of the champion, by horizon, over the last day and all that is kept',
      samples: drifts.flatMap(({ pop, recent, baseline }) =>
        HORIZONS.flatMap((horizon) =>
          (
            [
              ['day', recent[horizon]],
              ['all', baseline[horizon]],
            ] as const
          ).flatMap(([window, value]) =>
            value === null ? [] : [{ labels: { pop, horizon: label(horizon), window }, value }],
          ),
        ),
      ),
    },
    {
      name: 'atlas_model_rival_wape_percent',
      help: 'Error of the model beside the champion, and of the champion over the same minutes',
      samples: states.flatMap(({ pop, models: { rival } }) =>
        HORIZONS.flatMap((horizon) => {
          const sums = rival?.paired[horizon]
          if (!rival || !sums || sums.actual <= 0) return []
          const labels = { pop, horizon: label(horizon), role: rival.role }
          return [
            { labels: { ...labels, of: 'rival' }, value: (100 * sums.error) / sums.actual },
            { labels: { ...labels, of: 'champion' }, value: (100 * sums.championError) / sums.actual },
          ]
        }),
      ),
    },
    {
      name: 'atlas_model_drift_ratio',
      help: "Champion's error of the last day over that of all that is kept; 1.3 and above calls for training",
      samples: drifts.flatMap(({ pop, ratio }) =>
        ratio === null ? [] : [{ labels: { pop }, value: ratio }],
      ),
    },
    {
      name: 'atlas_model_traffic_shift',
      help: 'Population stability index of minute-to-minute changes, last hour against the five before; above 0.25 is a shift',
      samples: pops.flatMap(({ pop, minutes }) => {
        const value = trafficShift(minutes.map(({ rps }) => rps))
        return value === null ? [] : [{ labels: { pop }, value }]
      }),
    },
  ]
}

function label(horizon: string): string {
  return `${horizon.slice(2)}m`
}

const RECENT_MINUTES = 60
const REFERENCE_MINUTES = 240
const BINS = 5

/**
 * Population stability index Σ (p − q) ln(p / q) of the logarithmic change from minute to minute, over quintiles of the
 * older minutes; each bin has half a count more, so that an empty one does not weigh without bound. Null: too few minutes.
 */
export function trafficShift(rps: readonly number[]): number | null {
  const changes = rps.slice(1).map((now, at) => Math.log((now + 1) / ((rps[at] ?? 0) + 1)))
  const recent = changes.slice(-RECENT_MINUTES)
  const older = changes.slice(0, -RECENT_MINUTES)
  if (recent.length < RECENT_MINUTES || older.length < REFERENCE_MINUTES) return null
  const sorted = [...older].sort((a, b) => a - b)
  const edges = Array.from(
    { length: BINS - 1 },
    (_, bin) => sorted[Math.floor(((bin + 1) * sorted.length) / BINS)] ?? 0,
  )
  const shares = (values: readonly number[]) => {
    const counts = new Array<number>(BINS).fill(0.5)
    for (const value of values) {
      const bin = edges.filter((edge) => value >= edge).length
      counts[bin] = (counts[bin] ?? 0) + 1
    }
    return counts.map((count) => count / (values.length + BINS / 2))
  }
  const expected = shares(older)
  return shares(recent).reduce((sum, share, bin) => {
    const was = expected[bin] ?? share
    return sum + (share - was) * Math.log(share / was)
  }, 0)
}
