/** One knot of a calibration: a raw score, and what it is shown as. Both rise from knot to knot. */
export interface CalibrationKnot {
  readonly raw: number
  readonly score: number
}

/**
 * Quantiles of the training data's raw scores and the score each is drawn to: an alert at 0.7 is the rarest 1 % of
 * normal traffic, region 0.85 one in a thousand, early warning 0.90 three in ten thousand, cascade 0.95 one in ten thousand.
 */
const CALIBRATED_QUANTILES = [
  { quantile: 0.5, score: 0.3 },
  { quantile: 0.99, score: 0.7 },
  { quantile: 0.999, score: 0.85 },
  { quantile: 0.9997, score: 0.9 },
  { quantile: 0.9999, score: 0.95 },
] as const

/** The smallest rise between two knots: keeps the map strictly monotone where quantiles coincide. */
const LEAST_RISE = 1e-6

/**
 * The calibration of a forest from the raw scores of its training data.
 * @throws RangeError when there are no scores
 */
export function calibrationOf(rawScores: ArrayLike<number>): CalibrationKnot[] {
  if (rawScores.length === 0) throw new RangeError('rawScores must not be empty')
  const sorted = Float64Array.from(rawScores).sort()
  const knots: CalibrationKnot[] = []
  let last = 0
  for (const { quantile, score } of CALIBRATED_QUANTILES) {
    const raw = sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0
    last = Math.max(raw, last + LEAST_RISE)
    knots.push({ raw: last, score })
  }
  return knots
}

/**
 * Raw score of an isolation forest (Liu, Ting, Zhou 2008; 0..1) to the calibrated one, 0..1: linear between the knots,
 * from (0, 0) below them to (1, 1) above, so it rises strictly wherever the raw one does. NaN stays NaN.
 */
export function calibrate(raw: number, knots: readonly CalibrationKnot[]): number {
  if (Number.isNaN(raw)) return Number.NaN
  const value = Math.min(1, Math.max(0, raw))
  let low: CalibrationKnot = { raw: 0, score: 0 }
  for (const knot of knots) {
    if (value < knot.raw) return between(value, low, knot)
    low = knot
  }
  return between(value, low, { raw: 1, score: 1 })
}

function between(raw: number, low: CalibrationKnot, high: CalibrationKnot): number {
  if (high.raw <= low.raw) return high.score
  return low.score + ((raw - low.raw) / (high.raw - low.raw)) * (high.score - low.score)
}
