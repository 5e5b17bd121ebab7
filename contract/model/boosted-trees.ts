/**
 * A sum of small regression trees over a vector of numbers. Nodes lie in flat arrays, a tree after the other: a node
 * with `feature` < 0 is a leaf and `value` what it adds; at another, a feature up to `value` goes to `left`, above to
 * the one after. A missing feature (NaN) goes left.
 */
export interface BoostedTrees {
  /** What the sum begins with. */
  readonly base: number
  /** First node of each tree. */
  readonly roots: readonly number[]
  readonly feature: readonly number[]
  readonly value: readonly number[]
  readonly left: readonly number[]
}

export function sumOfTrees(trees: BoostedTrees, features: ArrayLike<number>): number {
  const { feature, value, left } = trees
  let sum = trees.base
  for (const root of trees.roots) {
    let node = root
    for (let tested = feature[node] ?? -1; tested >= 0; tested = feature[node] ?? -1) {
      const isAbove = (features[tested] ?? Number.NaN) > (value[node] ?? 0)
      node = (left[node] ?? 0) + (isAbove ? 1 : 0)
    }
    sum += value[node] ?? 0
  }
  return sum
}
