import type { AlertLevel } from '../../contract/alert.ts'

export interface AlertSettings {
  /** An incident opens when the score stays at or above `enter` for `enterForMs`, and for so many ticks. */
  readonly enter: number
  readonly enterForMs: number
  /** Matters where time is compressed: a tick of a minute is no half minute of sixty, and one odd tick makes several high scores. */
  readonly enterTicks: number
  /**
   * It closes when the score stays below `leave` for `leaveForMs`; `leave` < `enter`, so that nothing flaps. A few ticks above
   * it, as ordinary traffic has them, do not count while the mean of about `meanTicks` stays below.
   */
  readonly leave: number
  readonly leaveForMs: number
  readonly meanTicks: number
  /** Rising thresholds. */
  readonly levels: readonly { readonly level: AlertLevel; readonly from: number }[]
}

export const ALERT_SETTINGS: AlertSettings = {
  enter: 0.7,
  enterForMs: 30_000,
  enterTicks: 12,
  leave: 0.5,
  leaveForMs: 120_000,
  meanTicks: 10,
  levels: [
    { level: 'alert', from: 0.7 },
    { level: 'region', from: 0.85 },
    { level: 'early-warning', from: 0.9 },
    { level: 'cascade', from: 0.95 },
  ],
}

/** Where alerting stands. Serialisable. */
export type AlertState =
  | { readonly kind: 'quiet' }
  | { readonly kind: 'rising'; readonly sinceMs: number; readonly peak: number; readonly ticks: number }
  | {
      readonly kind: 'open'
      /** When the score first passed `enter`. */
      readonly sinceMs: number
      readonly level: AlertLevel
      readonly peak: number
      /** Running mean of the score. */
      readonly mean: number
      /** Since when the score is below `leave`; null while it is not. */
      readonly calmSinceMs: number | null
    }

/** What there is to tell: one `opened` and one `closed` an incident, and one `escalated` each time it reaches a new level. */
export type AlertEvent =
  | {
      readonly kind: 'opened' | 'escalated'
      readonly sinceMs: number
      readonly level: AlertLevel
      readonly score: number
      /** Highest score so far, from when it first passed `enter`. */
      readonly peak: number
    }
  | {
      readonly kind: 'closed'
      readonly sinceMs: number
      readonly endMs: number
      readonly level: AlertLevel
      readonly peak: number
    }

export const QUIET: AlertState = { kind: 'quiet' }

/**
 * Moves alerting on by one score: at most one alert for one incident, however the score flickers inside it. A score that
 * is NaN (nothing measured) neither opens nor closes. A clock that is set back makes what was since then be since now.
 * @param ticks that speak for the score: more than one where it is not this tick's alone
 */
export function stepAlert(
  state: AlertState,
  score: number,
  atMs: number,
  ticks = 1,
  settings: AlertSettings = ALERT_SETTINGS,
): { readonly state: AlertState; readonly event: AlertEvent | null } {
  if (Number.isNaN(score)) return { state, event: null }
  if (state.kind === 'open') return whileOpen(state, score, atMs, settings)
  if (score < settings.enter) return { state: QUIET, event: null }
  const sinceMs = state.kind === 'rising' ? Math.min(state.sinceMs, atMs) : atMs
  const peak = state.kind === 'rising' ? Math.max(state.peak, score) : score
  const inAll = state.kind === 'rising' ? state.ticks + ticks : ticks
  if (atMs - sinceMs < settings.enterForMs || inAll < settings.enterTicks)
    return { state: { kind: 'rising', sinceMs, peak, ticks: inAll }, event: null }
  const level = levelOf(score, settings)
  return {
    state: { kind: 'open', sinceMs, level, peak, mean: score, calmSinceMs: null },
    event: { kind: 'opened', sinceMs, level, score, peak },
  }
}

function whileOpen(
  state: AlertState & { kind: 'open' },
  score: number,
  atMs: number,
  settings: AlertSettings,
): { readonly state: AlertState; readonly event: AlertEvent | null } {
  const sinceMs = Math.min(state.sinceMs, atMs)
  const peak = Math.max(state.peak, score)
  const mean = state.mean + (score - state.mean) / settings.meanTicks
  const calmSinceMs = calmSince(state.calmSinceMs, score, mean, atMs, settings)
  if (calmSinceMs !== null && atMs - calmSinceMs >= settings.leaveForMs)
    return { state: QUIET, event: { kind: 'closed', sinceMs, endMs: calmSinceMs, level: state.level, peak } }
  const reached = levelOf(score, settings)
  const isHigher = rank(reached, settings) > rank(state.level, settings)
  const level = isHigher ? reached : state.level
  return {
    state: { kind: 'open', sinceMs, level, peak, mean, calmSinceMs },
    event: isHigher ? { kind: 'escalated', sinceMs, level, score, peak } : null,
  }
}

function calmSince(
  known: number | null,
  score: number,
  mean: number,
  atMs: number,
  { leave }: AlertSettings,
): number | null {
  const calm = Math.min(known ?? atMs, atMs)
  if (score < leave) return calm
  return mean < leave && known !== null ? calm : null
}

function levelOf(score: number, settings: AlertSettings): AlertLevel {
  return settings.levels.findLast(({ from }) => score >= from)?.level ?? 'alert'
}

function rank(level: AlertLevel, settings: AlertSettings): number {
  return settings.levels.findIndex((one) => one.level === level)
}
