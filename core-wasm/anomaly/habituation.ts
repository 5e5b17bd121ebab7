/** What habituation remembers. Serialisable. */
export interface HabituationState {
  rows: number
  /** Decaying peak of the surprise. */
  peak: number
  /** Rows and values of the refractory window that no later one has beaten: values fall from the first to the last. */
  readonly recent: { row: number; value: number }[]
}

export interface HabituationSettings {
  /** Half-life of the peak in rows: at least `habituationRows`, and at least this share of the rows seen. */
  readonly habituationRows: number
  readonly habituationShare: number
  /** How much of the peak a surprise must exceed to be news. */
  readonly habituationStrength: number
  /** Refractory window: this share of the rows seen, within these bounds. */
  readonly refractoryShare: number
  readonly refractoryRows: number
  readonly refractoryMost: number
}

export const freshHabituation = (): HabituationState => ({ rows: 0, peak: 0, recent: [] })

/**
 * How much of a surprise is news. What was surprising lately is less so (habituation: a decaying peak is taken off), and
 * news counts only at its first and highest: within the refractory window a value that does not beat all before is 0.
 * So one incident gives one onset, and a series that is often odd needs to be odder.
 */
export function newsOf(state: HabituationState, surprise: number, settings: HabituationSettings): number {
  const row = state.rows++
  const news = Math.max(0, surprise - settings.habituationStrength * state.peak)
  const halfLife = Math.max(settings.habituationRows, settings.habituationShare * row)
  state.peak = Math.max(surprise, state.peak * 2 ** (-1 / halfLife))

  const { recent } = state
  const window = Math.min(
    settings.refractoryMost,
    Math.max(settings.refractoryRows, Math.floor(settings.refractoryShare * row)),
  )
  while ((recent[0]?.row ?? row) < row - window) recent.shift()
  const isFirst = news > (recent[0]?.value ?? 0)
  while (recent.length > 0 && (recent[recent.length - 1]?.value ?? 0) <= news) recent.pop()
  if (news > 0) recent.push({ row, value: news })
  return isFirst ? news : 0
}
