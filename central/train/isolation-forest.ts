import type { Random } from '../../contract/ports.ts'
import type { IsolationForest, IsolationTree } from '../../core-wasm/forest-format.ts'

export interface ForestOptions {
  readonly trees: number
  /** Points a tree is grown from (ψ). */
  readonly subsample: number
}

/**
 * Trains an isolation forest (Liu, Ting, Zhou, "Isolation Forest", 2008, algorithms 1 and 2): each tree on ψ points
 * drawn without replacement, splits at a random value of a random feature that still varies, to depth ⌈log2 ψ⌉.
 * @param points row-major [points × features]
 * @throws RangeError when there are fewer points than the subsample
 */
export function trainForest(
  points: Float32Array,
  features: number,
  options: ForestOptions,
  random: Random,
): IsolationForest {
  const { trees, subsample } = options
  const count = points.length / features
  if (!Number.isInteger(count) || count < subsample)
    throw new RangeError(`points must be at least ${subsample} rows of ${features}, but are ${count}`)
  const depth = Math.ceil(Math.log2(subsample))
  const order = Int32Array.from({ length: count }, (_, index) => index)
  const grow = (rows: Int32Array, level: number): IsolationTree => {
    if (level === depth || rows.length <= 1) return { size: rows.length }
    const split = drawSplit(points, features, rows, random)
    if (split === null) return { size: rows.length }
    const { feature, threshold } = split
    const isLeft = (row: number) => (points[row * features + feature] ?? 0) < threshold
    return {
      feature,
      threshold,
      left: grow(rows.filter(isLeft), level + 1),
      right: grow(
        rows.filter((row) => !isLeft(row)),
        level + 1,
      ),
    }
  }
  return {
    features,
    subsample,
    depth,
    trees: Array.from({ length: trees }, () => grow(drawRows(order, subsample, random), 0)),
  }
}

/** The first `subsample` of a partial Fisher-Yates shuffle. */
function drawRows(order: Int32Array, subsample: number, random: Random): Int32Array {
  for (let index = 0; index < subsample; index++) {
    const other = index + Math.floor(random.next() * (order.length - index))
    const held = order[index] ?? 0
    order[index] = order[other] ?? 0
    order[other] = held
  }
  return order.slice(0, subsample)
}

/** A random feature among those that vary within the rows, and a value strictly inside its range; null when none varies. */
function drawSplit(
  points: Float32Array,
  features: number,
  rows: Int32Array,
  random: Random,
): { feature: number; threshold: number } | null {
  const varying: { feature: number; low: number; high: number }[] = []
  for (let feature = 0; feature < features; feature++) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (const row of rows) {
      const value = points[row * features + feature] ?? 0
      if (value < low) low = value
      if (value > high) high = value
    }
    if (high > low) varying.push({ feature, low, high })
  }
  const chosen = varying[Math.floor(random.next() * varying.length)]
  if (chosen === undefined) return null
  const threshold = Math.fround(chosen.low + random.next() * (chosen.high - chosen.low))
  return { feature: chosen.feature, threshold: threshold > chosen.low ? threshold : chosen.high }
}
