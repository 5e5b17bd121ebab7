import type { SeasonalView } from './seasonal-features.ts'

const MOST_APART = 2
const MOST_RATIO = 3
/** Waves of the day and the constant are given this size, beside differences that are mostly smaller. */
const SIZE = 0.3
const NEWEST = 3
/** Pending forecasts keep them: four decimals are enough. */
const DECIMALS = 10_000

/**
 * What the correction of the reference reads: how far everything else that knows of the target lies from what the
 * reference says, relative to the level; how the rate went on in days past; the time of day. 0 where something is not known.
 * @param own the reference's p50, relative to the level
 * @param others further answers, relative to the level
 */
export function correctionFeatures(view: SeasonalView, own: number, others: readonly number[]): number[] {
  const { lags, means, spans, before, values, ratios } = view
  const answers = [...lags.slice(0, NEWEST), ...means, 0, ...others, ...spans, ...values, ...before]
  const differences = answers.map((answer) => bounded(answer - own, MOST_APART))
  const ways = ratios.map((ratio) => bounded(ratio, MOST_RATIO))
  return [...differences, ...ways, ...clockFeatures(view, 2)].map(shortened)
}

/** Features that it reads: of the view, and of two Holts and the season. */
export const CORRECTION_FEATURES = NEWEST + 3 + 1 + 3 + 3 + 4 + 6 + 5 + 4 + 1

/**
 * What the correction of the regressions reads: how far each expert lies from their median, and the time of day.
 * @param own the median, relative to the level
 * @param answers of the experts, relative to the level
 */
export function blendFeatures(view: SeasonalView, own: number, answers: readonly number[]): number[] {
  const differences = answers.map((answer) => bounded(answer - own, MOST_APART))
  return [...differences, ...clockFeatures(view, 1)].map(shortened)
}

/** Features that it reads beside the experts. */
export const BLEND_CLOCK = 3

function clockFeatures({ day }: SeasonalView, waves: number): number[] {
  const angles = Array.from({ length: waves }, (_, at) => 2 * Math.PI * day * (at + 1))
  return [...angles.flatMap((angle) => [SIZE * Math.sin(angle), SIZE * Math.cos(angle)]), SIZE]
}

function bounded(value: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(-most, value)) : 0
}

function shortened(feature: number): number {
  return Math.round(feature * DECIMALS) / DECIMALS
}
