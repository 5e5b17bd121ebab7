import type { TickSummary } from '../../contract/model/series.ts'
import type { Random } from '../../contract/ports.ts'
import { logUniform, normal, pick, poisson, uniform } from './sampling.ts'

const DAY_S = 86_400
const START_MS = 789_004_800_000
/** Chance a tick's latency tail is stretched by a pause of the origin (garbage collection, a slow disk). */
const PAUSE_CHANCE = 0.002
/** A PoP's rate is a mean over ten seconds and at least four ticks. */
const RATE_S = 10
const RATE_TICKS = 4

/**
 * Ticks of a site on a normal day: cycles and drift of the rate, Poisson counts, latencies of a log-normal law that
 * grows with the load (as 1 / (1 − utilisation)), quantiles with the sampling noise of as many requests as came, a few
 * errors, answers of a typical size. Nothing in them is to be called an anomaly.
 */
export function generateTicks(random: Random, ticks: number): TickSummary[] {
  const tickS = pick(random, [1, 1, 1, 1, 5, 10, 60])
  const rate = rateOf(random, tickS)
  const medianMs = logUniform(random, 1, 200)
  const sigma = uniform(random, 0.25, 0.9)
  const busy = uniform(random, 0.05, 0.5)
  const errors = logUniform(random, 1e-5, 0.01)
  const bytes = logUniform(random, 500, 200_000)
  const bytesSigma = uniform(random, 0.2, 1.5)
  const startMs = START_MS + Math.floor(random.next() * 7 * DAY_S) * 1000

  const counts: number[] = []
  const rateTicks = Math.max(RATE_TICKS, Math.ceil(RATE_S / tickS))
  return Array.from({ length: ticks }, (_, tick) => {
    const { expected, load } = rate(tick, startMs)
    const count = poisson(random, expected * tickS)
    counts.push(count)
    const recent = counts.slice(-rateTicks)
    const rps = recent.reduce((sum, one) => sum + one, 0) / (recent.length * tickS)
    const atMs = startMs + (tick + 1) * tickS * 1000
    if (count === 0)
      return {
        atMs,
        rps,
        errorRate: Number.NaN,
        unreachableRate: Number.NaN,
        p50Ms: Number.NaN,
        p99Ms: Number.NaN,
        bytesPerS: Number.NaN,
      }
    const utilisation = Math.min(0.9, busy * load)
    const centre = Math.log(medianMs / (1 - utilisation))
    const p50 = centre + (sigma * 1.2533 * normal(random)) / Math.sqrt(count)
    const pause = random.next() < PAUSE_CHANCE ? uniform(random, 0.3, 1.5) : 0
    const p99 = Math.max(p50, centre + sigma * tailQuantile(random, count) + pause)
    return {
      atMs,
      rps,
      errorRate: Math.min(1, poisson(random, errors * count) / count),
      unreachableRate: 0,
      p50Ms: Math.exp(p50),
      p99Ms: Math.exp(p99),
      bytesPerS: rps * bytes * Math.exp((bytesSigma * normal(random)) / Math.sqrt(count)),
    }
  })
}

/** Expected requests a second by the tick, and the load relative to the site's mean. */
function rateOf(
  random: Random,
  tickS: number,
): (tick: number, startMs: number) => { expected: number; load: number } {
  const mean = logUniform(random, 0.5, 2000)
  const daily = uniform(random, 0, 0.8)
  const peak = random.next()
  const sigma = uniform(random, 0.01, 0.15)
  const keep = Math.exp(-tickS / logUniform(random, 120, 7200))
  const jitter = logUniform(random, 0.005, 0.15)
  let wander = normal(random) * sigma
  return (tick, startMs) => {
    wander = wander * keep + normal(random) * sigma * Math.sqrt(1 - keep * keep)
    const day = (startMs / 1000 + tick * tickS) / DAY_S
    const load = Math.exp(daily * Math.cos(2 * Math.PI * (day - peak)) + wander + jitter * normal(random))
    return { expected: mean * load, load }
  }
}

/** A sample 99 % quantile of `count` standard normals: their maximum below 100 of them, else the quantile with its noise. */
function tailQuantile(random: Random, count: number): number {
  if (count >= 100) return 2.3263 + (3.733 * normal(random)) / Math.sqrt(count)
  return normalQuantile((1 - random.next()) ** (1 / count))
}

/** Quantile of the standard normal (Shore 1982; good to 0.03 where it is used). */
function normalQuantile(p: number): number {
  const bounded = Math.min(1 - 1e-9, Math.max(1e-9, p))
  return bounded >= 0.5
    ? 5.5556 * (1 - ((1 - bounded) / bounded) ** 0.1186)
    : -5.5556 * (1 - (bounded / (1 - bounded)) ** 0.1186)
}
