/** What a season remembers: the usual value of each half hour of the day, and of each half hour of the week. Serialisable. */
export interface SeasonState {
  /** null = never seen. */
  readonly day: (number | null)[]
  readonly week: (number | null)[]
}

const BIN_MS = 1_800_000
const BINS_A_DAY = 48
const BINS_A_WEEK = 7 * BINS_A_DAY

export const freshSeason = (): SeasonState => ({
  day: new Array<number | null>(BINS_A_DAY).fill(null),
  week: new Array<number | null>(BINS_A_WEEK).fill(null),
})

/**
 * What is left of a value when its time of day is taken away, or its time of week where that explains more: a value is
 * unusual only if it is so for both. 0 at a time of day that was never seen.
 */
export function seasonalResidual(season: SeasonState, value: number, atMs: number): number {
  const ofDay = season.day[dayBin(atMs)] ?? null
  const ofWeek = season.week[weekBin(atMs)] ?? null
  const byDay = ofDay === null ? 0 : value - ofDay
  const byWeek = ofWeek === null ? byDay : value - ofWeek
  return Math.abs(byWeek) < Math.abs(byDay) ? byWeek : byDay
}

/** The usual value at this time of day; null where it was never seen. */
export function usualOfDay(season: SeasonState, atMs: number): number | null {
  return season.day[dayBin(atMs)] ?? null
}

/** Learns a value: the time of day with weight `rate`, the time of week, which comes a seventh as often, with twice that. */
export function learnSeason(season: SeasonState, value: number, atMs: number, rate: number): void {
  const day = dayBin(atMs)
  const week = weekBin(atMs)
  season.day[day] = moved(season.day[day] ?? null, value, rate)
  season.week[week] = moved(season.week[week] ?? null, value, 2 * rate)
}

function moved(usual: number | null, value: number, rate: number): number {
  return usual === null ? value : usual + rate * (value - usual)
}

function weekBin(atMs: number): number {
  return modulo(Math.floor(atMs / BIN_MS), BINS_A_WEEK)
}

function dayBin(atMs: number): number {
  return modulo(Math.floor(atMs / BIN_MS), BINS_A_DAY)
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
