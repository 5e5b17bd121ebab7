import { AtlasError } from '../../contract/errors.ts'

/** What a replay follows: a rate over trace time, and what happens to whom. */
export interface Plan {
  readonly name: string
  /** One line for the report: where the rates come from. */
  readonly about: string
  /** Trace time of minute 0, milliseconds UTC. */
  readonly startMs: number
  /** Length in trace minutes. */
  readonly minutes: number
  /** Minutes at the beginning that only fill the forecaster's history; left out of what is judged. */
  readonly warmupMinutes: number
  /** Requests a second at a moment, in trace minutes since the start. */
  rps(minute: number): number
  /** kill -9 of whatever serves the module at that minute. */
  readonly crashes: readonly { readonly minute: number; readonly module: string }[]
}

export const WARMUP_MINUTES = 60
const LOW_RPS = 500
const HIGH_RPS = 8000
const AFTER_RPS = 600
const RAMP = { from: 70, to: 85 } as const
const DECLINE = { from: 100, to: 106 } as const

/**
 * A flash sale: an hour at 500 RPS, a surge that its own ramp announces (it doubles every 3¾ minutes) up to 8,000, a crash
 * of payment at its height, and back to 600. Two trace hours, on a Friday evening.
 */
export function flashSale(): Plan {
  return {
    name: 'flash-sale',
    about: '500 RPS, a ramp to 8,000, payment killed at the height, back to 600',
    startMs: Date.UTC(2026, 10, 27, 18),
    minutes: 120,
    warmupMinutes: WARMUP_MINUTES,
    rps: flashSaleRps,
    crashes: [{ minute: 93, module: 'payment' }],
  }
}

function flashSaleRps(minute: number): number {
  if (minute < RAMP.from) return LOW_RPS * (1 + 0.06 * Math.sin((2 * Math.PI * minute) / 45))
  if (minute < RAMP.to) return geometric(LOW_RPS, HIGH_RPS, (minute - RAMP.from) / (RAMP.to - RAMP.from))
  if (minute < DECLINE.from) return HIGH_RPS
  if (minute < DECLINE.to)
    return geometric(HIGH_RPS, AFTER_RPS, (minute - DECLINE.from) / (DECLINE.to - DECLINE.from))
  return AFTER_RPS
}

/** From one rate to another at a constant factor a minute. */
function geometric(from: number, to: number, share: number): number {
  return from * (to / from) ** share
}

/** The busiest rate of a plan, by its whole minutes. */
export function peakRps(plan: Plan): number {
  let peak = 0
  for (let minute = 0; minute <= plan.minutes; minute += 0.25) peak = Math.max(peak, plan.rps(minute))
  return peak
}

/** Tells what cannot be run, before anything is started. @throws AtlasError `config/invalid` */
export function requireRunnable(plan: Plan): Plan {
  if (plan.minutes <= plan.warmupMinutes)
    throw new AtlasError(
      'config/invalid',
      `--minutes must be above ${plan.warmupMinutes}, for the forecaster's history takes that many, but is ${plan.minutes}`,
    )
  if (!(peakRps(plan) > 0))
    throw new AtlasError('config/invalid', `${plan.name} has no traffic in these minutes`)
  return plan
}
