/** Rolling errors at +5 min, in requests a second: exponentially weighted means over about six hours of minutes. */
export interface RollingError {
  /** Forecasts whose truth is known. */
  readonly known: number
  readonly champion: number
  readonly reference: number
  /** Of saying what was a day before the target; NaN in the first day. */
  readonly seasonalNaive: number
}

const STEPS = 360

export const NO_ROLLING_ERROR: RollingError = {
  known: 0,
  champion: 0,
  reference: 0,
  seasonalNaive: Number.NaN,
}

/** The errors once the truth of one more forecast is known. */
export function rolledOn(
  { known, ...means }: RollingError,
  said: { readonly published: number; readonly reference: number; readonly naive: number },
  actual: number,
): RollingError {
  const rate = Math.max(1 / (known + 1), 1 / STEPS)
  const move = (mean: number, answer: number) => {
    const error = Math.abs(answer - actual)
    if (Number.isNaN(error)) return mean
    return Number.isNaN(mean) ? error : mean + rate * (error - mean)
  }
  return {
    known: known + 1,
    champion: move(means.champion, said.published),
    reference: move(means.reference, said.reference),
    seasonalNaive: move(means.seasonalNaive, said.naive),
  }
}
