import { seededRandom } from '../ports.ts'
import { LOOKBACK, type SeriesHistory } from './series.ts'

const END_MS = Date.UTC(2026, 0, 5, 12)

/**
 * The history of a forecaster's self-check: a wave with seeded noise and a few gaps, the same wherever it runs. What a
 * model must answer to it stands in its manifest.
 */
export function selfCheckHistory(seed: number): SeriesHistory {
  const random = seededRandom(seed)
  const base = 1 + 400 * random.next()
  const swing = random.next()
  const rps = Array.from({ length: LOOKBACK }, (_, minute) => {
    const sample = base * (1 + swing * Math.sin(minute / 9)) * (0.8 + 0.4 * random.next())
    return random.next() < 0.05 ? Number.NaN : sample
  })
  const errorRate = Array.from({ length: LOOKBACK }, () => random.next() * 0.02)
  return { name: `self-check ${seed}`, stepS: 60, endMs: END_MS, rps, errorRate }
}
