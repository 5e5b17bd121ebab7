import type { TickSummary } from '../../contract/model/series.ts'
import type { Random } from '../../contract/ports.ts'
import { logUniform, pick, uniform } from './sampling.ts'

type Disturbance = (tick: TickSummary) => TickSummary

const KINDS: readonly ((random: Random) => Disturbance)[] = [
  function surge(random) {
    const factor = logUniform(random, 2, 20)
    return (tick) => ({ ...tick, rps: tick.rps * factor, bytesPerS: tick.bytesPerS * factor })
  },
  function drop(random) {
    const left = uniform(random, 0, 0.3)
    return (tick) => ({ ...tick, rps: tick.rps * left, bytesPerS: tick.bytesPerS * left })
  },
  function errors(random) {
    const share = logUniform(random, 0.05, 1)
    return (tick) => ({ ...tick, errorRate: Math.max(share, tick.errorRate || 0) })
  },
  function crash(random) {
    const share = uniform(random, 0.2, 1)
    return (tick) => ({ ...tick, errorRate: share, unreachableRate: share * uniform(random, 0.5, 1) })
  },
  function slow(random) {
    const factor = logUniform(random, 2, 50)
    return (tick) => ({ ...tick, p50Ms: tick.p50Ms * factor, p99Ms: tick.p99Ms * factor })
  },
  function tail(random) {
    const factor = logUniform(random, 3, 50)
    return (tick) => ({ ...tick, p99Ms: tick.p99Ms * factor })
  },
]

/**
 * Ticks with about `share` of them disturbed, in episodes of 1 to 20: surges, drops, errors, crashes, slowness, a long
 * tail. A forest whose training data has this contamination knows how far out anomalies lie: trained on normal traffic
 * alone, its splits end where normal ends, and a point far outside scores no higher than one at the edge.
 */
export function disturb(random: Random, ticks: readonly TickSummary[], share: number): TickSummary[] {
  const disturbed = [...ticks]
  const meanEpisode = 6.3
  let at = 0
  while (share > 0) {
    at += Math.ceil((-Math.log(1 - random.next()) * meanEpisode) / share)
    if (at >= ticks.length) break
    const disturbance = pick(random, KINDS)(random)
    const end = Math.min(ticks.length, at + Math.ceil(logUniform(random, 1, 20)))
    for (; at < end; at++) {
      const tick = disturbed[at]
      if (tick !== undefined) disturbed[at] = disturbance(tick)
    }
  }
  return disturbed
}
