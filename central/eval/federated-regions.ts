import type { Random } from '../../contract/ports.ts'
import { normal, poisson, uniform } from '../train/sampling.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'

const DAY_MIN = 1440
/** A Monday. */
const START_MS = Date.UTC(2026, 5, 1)
/** Least and most days between two occurrences of an event. */
const GAP_DAYS = [0.6, 1.4] as const

/** A rare event with a course of its own: from the minute it begins, the factor on the usual rate. */
export interface RareEvent {
  readonly name: 'sale' | 'outage' | 'bots'
  /** Minutes until all is as usual again. */
  readonly minutes: number
  /** @param size drawn for each occurrence, around 1 */
  factor(minute: number, size: number): number
}

/** A flash sale: doubles each 4 minutes for 10, stays for 25, and leaves fewer customers than usual for half an hour. */
const sale: RareEvent = {
  name: 'sale',
  minutes: 70,
  factor(minute, size) {
    const peak = 6 * size
    if (minute < 10) return peak ** ((minute + 1) / 10)
    if (minute < 35) return peak
    return minute < 40 ? peak ** (1 - (minute - 34) / 5) : 0.6
  },
}

/** An outage of 15 minutes, then everyone tries again: 2½ times the usual rate, which ebbs in half an hour. */
const outage: RareEvent = {
  name: 'outage',
  minutes: 45,
  factor(minute, size) {
    if (minute < 15) return 0.05
    return 1 + 1.5 * size * Math.exp(-(minute - 15) / 8)
  },
}

/** A wave of bots: four times the rate in three of each twelve minutes, for an hour and a half. */
const bots: RareEvent = {
  name: 'bots',
  minutes: 96,
  factor(minute, size) {
    return minute % 12 < 3 ? 4 * size : 1
  },
}

/** A region: how its days go, and the rare event that it alone has seen. */
export interface Region {
  readonly name: string
  readonly event: RareEvent
  readonly meanRps: number
  readonly peakHourUtc: number
  /** Half the logarithm of a day's highest rate over its lowest. */
  readonly swing: number
  readonly weekend: number
  readonly jitter: number
}

export const REGIONS: readonly Region[] = [
  { name: 'west', event: sale, meanRps: 900, peakHourUtc: 3, swing: 0.8, weekend: 1.2, jitter: 0.04 },
  { name: 'north', event: outage, meanRps: 120, peakHourUtc: 14, swing: 0.5, weekend: 0.5, jitter: 0.08 },
  { name: 'south', event: bots, meanRps: 300, peakHourUtc: 20, swing: 0.3, weekend: 0.9, jitter: 0.05 },
]

/** A region's traffic by the minute, with the minutes that belong to an occurrence of the event. */
export interface RegionTraffic {
  readonly series: TrafficSeries
  readonly inEvent: readonly boolean[]
}

/** Days of a region, with an event of this kind about each day. The same `random` gives the same traffic. */
export function regionTraffic(region: Region, event: RareEvent, days: number, random: Random): RegionTraffic {
  const { meanRps, peakHourUtc, swing, weekend, jitter } = region
  const minutes = days * DAY_MIN
  const factors = new Float64Array(minutes).fill(1)
  const inEvent = Array.from({ length: minutes }, () => false)
  let from = Math.floor(uniform(random, 0.1, 0.5) * DAY_MIN)
  while (from + event.minutes < minutes) {
    const size = uniform(random, 0.8, 1.25)
    for (let minute = 0; minute < event.minutes; minute++) {
      factors[from + minute] = event.factor(minute, size)
      inEvent[from + minute] = true
    }
    from += event.minutes + Math.floor(uniform(random, ...GAP_DAYS) * DAY_MIN)
  }
  let wander = 0
  const rps = factors.map((factor, minute) => {
    wander = 0.99 * wander + 0.014 * normal(random)
    const day = minute / DAY_MIN
    const usual = swing * Math.cos(2 * Math.PI * (day - peakHourUtc / 24))
    const rest = Math.floor(day) % 7 >= 5 ? Math.log(weekend) : 0
    const rate = meanRps * factor * Math.exp(usual + rest + wander + jitter * normal(random))
    return poisson(random, rate * 60) / 60
  })
  return { series: { name: region.name, stepS: 60, startMs: START_MS, rps }, inEvent }
}
