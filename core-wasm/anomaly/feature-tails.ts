import type { FeatureTail } from '../../contract/model/feature-tail.ts'

const KNOT = 0.25
/** Beyond the fitted range each tenfold of 1 + distance / span adds this much, at most MOST_BEYOND in all. */
const PER_DECADE_BEYOND = 2
const MOST_BEYOND = 4
/** A span is at least this share of the range, so that a feature that nearly never moves is not all noise. */
const LEAST_SPAN = 0.05
/** Of a constant feature: this share of its size. */
const CONSTANT_SPAN = 1e-3

/**
 * Fits the tails of each feature on rows without labels.
 * @param rows row-major
 * @throws RangeError when there is no row
 */
export function fitTails(rows: Float32Array, width: number): FeatureTail[] {
  const count = rows.length / width
  if (count < 1) throw new RangeError('rows must hold at least one row')
  return Array.from({ length: width }, (_, feature) => {
    const sorted = Float64Array.from({ length: count }, (_, row) => rows[row * width + feature] ?? 0).sort()
    const at = (rank: number): number => sorted[Math.max(0, Math.min(count - 1, rank))] ?? 0
    const edge = Math.log10(count)
    const ranks = Array.from({ length: Math.floor(edge / KNOT) + 1 }, (_, knot) =>
      Math.ceil((count * 10 ** (-knot * KNOT)) / 2),
    )
    const most = at(count - 1)
    const least = at(0)
    const middle = at(Math.floor(0.99 * count)) - at(Math.floor(0.01 * count))
    const span = Math.max(middle, LEAST_SPAN * (most - least)) || CONSTANT_SPAN * Math.max(1, Math.abs(most))
    return {
      high: ranks.map((rank) => at(count - rank)),
      low: ranks.map((rank) => at(rank - 1)),
      most,
      least,
      span,
      edge,
    }
  })
}

/** -log10 of the two-sided share of fitting rows as extreme as a value, extrapolated beyond them. NaN is 0: nothing known. */
export function tailSurprise(tail: FeatureTail, value: number): number {
  const beyond = Math.max(0, value - tail.most, tail.least - value)
  if (beyond > 0)
    return tail.edge + Math.min(MOST_BEYOND, PER_DECADE_BEYOND * Math.log10(1 + beyond / tail.span))
  return Math.max(
    climbed(tail.high, tail.most, tail.edge, value, 1),
    climbed(tail.low, tail.least, tail.edge, value, -1),
  )
}

/** How far a value has climbed along the knots of one tail (`sign` -1: downwards), linear between two of them. */
function climbed(knots: readonly number[], end: number, edge: number, value: number, sign: 1 | -1): number {
  let reached = -1
  for (let knot = 0; knot < knots.length; knot++) {
    if (!(sign * value > sign * (knots[knot] ?? 0))) break
    reached = knot
  }
  if (reached < 0) return 0
  const from = knots[reached] ?? 0
  const to = knots[reached + 1] ?? end
  const width = reached + 1 < knots.length ? KNOT : edge - reached * KNOT
  return reached * KNOT + (to === from ? 0 : (width * (value - from)) / (to - from))
}
