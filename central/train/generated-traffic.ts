import type { Random } from '../../contract/ports.ts'
import { logUniform, normal, pick, poisson, uniform } from './sampling.ts'
import type { TrafficSeries } from './traffic-series.ts'

const DAY_MIN = 1440
/** Minutes after a rise in which it shows whether it goes on. */
const AFTER_RISE_MIN = 6
const HOLIDAY_SHARE = 0.06
/** 1995-01-02, a Monday: weekdays of generated traffic are the calendar's. */
const FIRST_MONDAY_MS = 789_004_800_000

interface Event {
  readonly kind: 'ramp' | 'jump' | 'outage' | 'bots'
  readonly from: number
  readonly rampMin: number
  readonly plateauMin: number
  readonly decayMin: number
  /** Whether the rate grows by equal amounts or by equal factors along the ramp. */
  readonly linear: boolean
  /** Factor on the rate at the plateau, or the share that is left in an outage. */
  readonly factor: number
  /** Bots come in pulses of this period; 0 = steadily. */
  readonly pulseMin: number
}

/**
 * A site's traffic by the minute: daily and weekly cycles in a time zone of its own, trend, slow drift, over-dispersed
 * Poisson counts down to a few requests a minute, flash sales with and without a ramp, outages, bots, gaps in the
 * record; and in part of the series what origins report (error rate, CPU, memory, database queue).
 * Seeded: the same `random` gives the same series.
 */
export function generateTraffic(random: Random, name: string, days: number): TrafficSeries {
  const minutes = days * DAY_MIN
  const meanRps = logUniform(random, 0.15, 2000)
  const holiday = holidaysOf(random, minutes)
  const cycle = cyclesOf(random, holiday)
  const trendPerDay = normal(random) * 0.02
  const drift = { sigma: uniform(random, 0.02, 0.3), minutes: logUniform(random, 15, 600) }
  const jitter = logUniform(random, 0.02, 0.6)
  const events = eventsOf(random, minutes)
  const capacity = uniform(random, 2, 8)
  const reportsErrors = random.next() < 0.7
  const reportsLoad = random.next() < 0.5
  const baseErrors = logUniform(random, 1e-4, 0.02)

  const series = {
    name,
    stepS: 60,
    startMs: FIRST_MONDAY_MS + Math.floor(random.next() * 52) * 7 * DAY_MIN * 60_000,
    rps: new Float64Array(minutes),
    errorRate: new Float64Array(minutes).fill(Number.NaN),
    cpu: new Float64Array(minutes).fill(Number.NaN),
    memory: new Float64Array(minutes).fill(Number.NaN),
    dbQueue: new Float64Array(minutes).fill(Number.NaN),
    ...(random.next() < 0.5 && { holiday }),
    surges: surgesOf(events, minutes),
  }
  let wander = normal(random) * drift.sigma
  let memory = uniform(random, 0.2, 0.5)
  const keep = Math.exp(-1 / drift.minutes)
  for (let minute = 0; minute < minutes; minute++) {
    wander = wander * keep + normal(random) * drift.sigma * Math.sqrt(1 - keep * keep)
    const load =
      Math.exp(cycle(minute) + (trendPerDay * minute) / DAY_MIN + wander) * eventFactor(events, minute)
    const noisy = meanRps * load * Math.exp(jitter * normal(random) - (jitter * jitter) / 2)
    const count = poisson(random, noisy * 60)
    series.rps[minute] = count / 60
    const overload = Math.max(0, load - capacity) / capacity
    const failing = Math.min(1, baseErrors + overload * 0.3 + outageErrors(events, minute))
    if (reportsErrors && count > 0)
      series.errorRate[minute] = clampShare(poisson(random, failing * count) / count)
    if (!reportsLoad) continue
    memory += (0.2 + 0.4 * Math.min(1, load / capacity) - memory) * 0.02
    series.cpu[minute] = clampShare(0.08 + (0.7 * load) / capacity + 0.03 * normal(random))
    series.memory[minute] = clampShare(memory + 0.01 * normal(random))
    series.dbQueue[minute] = clampShare(0.02 + overload + 0.02 * Math.abs(normal(random)))
  }
  if (random.next() < 0.3) punchGaps(random, series.rps)
  return series
}

function clampShare(value: number): number {
  return Math.min(1, Math.max(0, value))
}

/** Logarithm of the load by the minute: two daily harmonics, a weekend that differs, and holidays like the weekend or unlike all. */
function cyclesOf(random: Random, holiday: Float64Array): (minute: number) => number {
  const zoneMin = Math.floor(random.next() * 24) * 60
  const daily = uniform(random, 0, 0.9)
  const second = uniform(random, 0, 0.4) * daily
  const peak = uniform(random, 11, 21) / 24
  const secondPhase = random.next()
  const weekend = Math.log(uniform(random, 0.4, 1.3))
  const free = random.next() < 0.7 ? weekend : Math.log(uniform(random, 0.4, 2))
  return (minute) => {
    const local = (minute + zoneMin) / DAY_MIN
    const weekday = Math.floor(local) % 7
    const wave = daily * Math.cos(2 * Math.PI * (local - peak))
    const day = holiday[minute] === 1 ? free : weekday >= 5 ? weekend : 0
    return wave + second * Math.cos(4 * Math.PI * (local - secondPhase)) + day
  }
}

function eventsOf(random: Random, minutes: number): Event[] {
  const events: Event[] = []
  let at = 0
  const meanGapMin = logUniform(random, 200, 6000)
  while (true) {
    at += Math.ceil(-Math.log(1 - random.next()) * meanGapMin)
    if (at >= minutes) return events
    const kind = pick(random, ['ramp', 'ramp', 'jump', 'outage', 'bots'] as const)
    const plateauMin = logUniform(random, kind === 'outage' ? 2 : 5, 120)
    events.push({
      kind,
      from: at,
      rampMin: kind === 'ramp' ? logUniform(random, 5, 60) : 0,
      plateauMin,
      decayMin: kind === 'outage' ? 0 : logUniform(random, 3, 60),
      linear: random.next() < 0.5,
      factor: kind === 'outage' ? uniform(random, 0, 0.3) : logUniform(random, 1.5, 24),
      pulseMin: kind === 'bots' && random.next() < 0.5 ? Math.ceil(uniform(random, 3, 30)) : 0,
    })
    at += plateauMin
  }
}

function eventFactor(events: readonly Event[], minute: number): number {
  let factor = 1
  for (const event of events) {
    const strength = strengthAt(event, minute)
    if (strength > 0) factor *= event.factor ** strength
  }
  return factor
}

/** 0 outside an event, 1 on its plateau; on the ramp as far as the climb has come; the decay is geometric. */
function strengthAt(event: Event, minute: number): number {
  const at = minute - event.from
  if (at < 0) return 0
  if (at < event.rampMin) return climbed((at + 1) / (event.rampMin + 1), event)
  const onPlateau = at - event.rampMin
  if (onPlateau < event.plateauMin) return event.pulseMin > 0 && at % event.pulseMin !== 0 ? 0 : 1
  const leaving = onPlateau - event.plateauMin
  return leaving < event.decayMin ? 1 - (leaving + 1) / (event.decayMin + 1) : 0
}

/** The exponent of the factor after this share of a ramp. */
function climbed(share: number, { linear, factor }: Event): number {
  return linear ? Math.log1p((factor - 1) * share) / Math.log(factor) : share
}

/** Minutes in which a surge builds up, and those after it in which it shows whether it goes on. */
function surgesOf(events: readonly Event[], minutes: number): number[] {
  return events.flatMap(({ kind, from, rampMin }) =>
    kind === 'ramp' || kind === 'jump'
      ? Array.from({ length: Math.ceil(rampMin) + AFTER_RISE_MIN }, (_, at) => from + at).filter(
          (at) => at < minutes,
        )
      : [],
  )
}

/** 1 in the minutes of holidays, which are a few days in a hundred. */
function holidaysOf(random: Random, minutes: number): Float64Array {
  const holiday = new Float64Array(minutes)
  for (let from = 0; from < minutes; from += DAY_MIN)
    if (random.next() < HOLIDAY_SHARE) holiday.fill(1, from, from + DAY_MIN)
  return holiday
}

function outageErrors(events: readonly Event[], minute: number): number {
  return events.some((event) => event.kind === 'outage' && strengthAt(event, minute) > 0) ? 0.5 : 0
}

function punchGaps(random: Random, rps: Float64Array): void {
  const gaps = Math.ceil((rps.length / DAY_MIN) * uniform(random, 0.2, 3))
  for (let gap = 0; gap < gaps; gap++) {
    const from = Math.floor(random.next() * rps.length)
    rps.fill(Number.NaN, from, from + Math.ceil(logUniform(random, 1, 20)))
  }
}
