import { normal } from '../../central/train/sampling.ts'
import type { TrafficSeries } from '../../central/train/traffic-series.ts'
import { seededRandom } from '../../contract/ports.ts'

const TRAFFIC_START_MS = Date.UTC(2026, 0, 5)

/**
 * Minutes of a site with a habit that no model of all sites can know: every `period` minutes its rate jumps for a few minutes to
 * four times what it was. Seeded.
 */
export function habitual(minutes: number, period = 37): TrafficSeries {
  const random = seededRandom(3)
  const rps = Float64Array.from({ length: minutes }, (_, minute) => {
    const isBurst = minute % period < 8
    return (isBurst ? 400 : 100) * Math.exp(0.03 * normal(random))
  })
  return { name: 'habitual', stepS: 60, startMs: TRAFFIC_START_MS, rps }
}

/** A trace file: a count a minute. */
export function csvOf({ rps, startMs, stepS }: TrafficSeries): string {
  const rows = Array.from(rps, (rate, at) => {
    return `${new Date(startMs + at * stepS * 1000).toISOString()},${Math.round(rate * stepS)}`
  })
  return `timestamp_utc,value\n${rows.join('\n')}\n`
}
