import type { BoostedTrees } from '../../contract/model/boosted-trees.ts'
import type { Random } from '../../contract/ports.ts'

/** Rows of features, row-major, with a target and a weight each. NaN = missing. */
export interface BoostingData {
  readonly columns: number
  readonly x: Float32Array
  readonly y: Float64Array
  readonly weight: Float64Array
}

export interface BoostingOptions {
  readonly rounds: number
  readonly rate: number
  readonly leaves: number
  /** Share of the rows and of the features that a tree sees, and most rows of one. */
  readonly rowShare: number
  readonly columnShare: number
  readonly mostRows: number
}

export const BOOSTING: BoostingOptions = {
  rounds: 150,
  rate: 0.09,
  leaves: 15,
  rowShare: 0.7,
  columnShare: 0.5,
  mostRows: 12_000,
}

const BINS = 128
/** A leaf holds at least this share of a tree's rows, and so many. */
const LEAST_LEAF = { share: 1 / 300, rows: 50 }
/** Digits that they are kept with: they travel as JSON. */
const DIGITS = { threshold: 4, leaf: 3 }

/**
 * Gradient boosting of the weighted absolute error (Friedman, "Greedy function approximation", 2001: splits by the sign
 * of the residual, leaves at its median), on histograms, grown leaf by leaf. Seeded.
 */
export function boost(data: BoostingData, options: BoostingOptions, random: Random): BoostedTrees {
  const { columns, y, weight } = data
  const rows = y.length
  const bins = binned(data)
  const base = weightedMedian(y, weight)
  const trees = {
    base,
    roots: [] as number[],
    feature: [] as number[],
    value: [] as number[],
    left: [] as number[],
  }
  const sums = new Float64Array(rows).fill(base)
  const share = Math.min(options.rowShare, options.mostRows / rows)
  for (let round = 0; round < options.rounds; round++) {
    const chosen = Uint32Array.from({ length: rows }, (_, row) => row).filter(() => random.next() < share)
    const tested = Array.from({ length: columns }, (_, column) => column).filter(
      () => random.next() < options.columnShare,
    )
    growTree({ data, bins, sums, tested, options, trees }, chosen)
    const root = trees.roots.at(-1) ?? 0
    for (let row = 0; row < rows; row++) {
      let node = root
      for (let at = trees.feature[node] ?? -1; at >= 0; at = trees.feature[node] ?? -1) {
        const isAbove = (data.x[row * columns + at] ?? Number.NaN) > (trees.value[node] ?? 0)
        node = (trees.left[node] ?? 0) + (isAbove ? 1 : 0)
      }
      sums[row] = (sums[row] ?? 0) + (trees.value[node] ?? 0)
    }
  }
  return trees
}

interface Growth {
  readonly data: BoostingData
  readonly bins: Bins
  readonly sums: Float64Array
  readonly tested: readonly number[]
  readonly options: BoostingOptions
  readonly trees: { roots: number[]; feature: number[]; value: number[]; left: number[] }
}

interface Leaf {
  readonly node: number
  readonly rows: Uint32Array
  /** For each tested column and bin: sum of gradients, sum of weights, rows. */
  readonly histogram: Float64Array
  readonly split: Split | null
}

interface Split {
  readonly gain: number
  readonly column: number
  readonly bin: number
}

function growTree(growth: Growth, rows: Uint32Array): void {
  const { trees, bins, data, sums, options } = growth
  const add = () => {
    trees.left.push(0)
    trees.value.push(0)
    return trees.feature.push(-1) - 1
  }
  const least = Math.max(LEAST_LEAF.rows, rows.length * LEAST_LEAF.share)
  const leafOf = (node: number, own: Uint32Array, histogram: Float64Array): Leaf => {
    return { node, rows: own, histogram, split: bestSplit(growth.tested, histogram, own.length, least) }
  }
  const root = add()
  trees.roots.push(root)
  const leaves: Leaf[] = [leafOf(root, rows, histogramOf(growth, rows))]
  while (leaves.length < options.leaves) {
    const best = leaves.reduce((most, leaf, at) => (gainOf(leaf) > gainOf(leaves[most]) ? at : most), 0)
    const leaf = leaves[best]
    if (leaf?.split == null) break
    const { column, bin } = leaf.split
    const codes = bins.codes[column] ?? new Uint8Array()
    const low = leaf.rows.filter((row) => (codes[row] ?? 0) <= bin)
    const high = leaf.rows.filter((row) => (codes[row] ?? 0) > bin)
    const counted = histogramOf(growth, low.length < high.length ? low : high)
    const others = leaf.histogram.map((sum, at) => sum - (counted[at] ?? 0))
    const left = add()
    const right = add()
    trees.feature[leaf.node] = column
    trees.value[leaf.node] = rounded(bins.edges[column]?.[bin] ?? 0, DIGITS.threshold)
    trees.left[leaf.node] = left
    leaves[best] = leafOf(left, low, low.length < high.length ? counted : others)
    leaves.push(leafOf(right, high, low.length < high.length ? others : counted))
  }
  for (const { node, rows: own } of leaves) {
    const median = weightedMedian(
      Float64Array.from(own, (row) => (data.y[row] ?? 0) - (sums[row] ?? 0)),
      Float64Array.from(own, (row) => data.weight[row] ?? 0),
    )
    trees.value[node] = rounded(options.rate * median, DIGITS.leaf)
  }
}

function gainOf(leaf: Leaf | undefined): number {
  return leaf?.split?.gain ?? 0
}

/** A row's gradient is its weight, signed by its residual. */
function histogramOf({ data, bins, sums, tested }: Growth, rows: Uint32Array): Float64Array {
  const weights = Float64Array.from(rows, (row) => data.weight[row] ?? 0)
  const slopes = Float64Array.from(rows, (row, at) => {
    const weight = weights[at] ?? 0
    return (data.y[row] ?? 0) > (sums[row] ?? 0) ? weight : -weight
  })
  const histogram = new Float64Array(tested.length * BINS * 3)
  tested.forEach((column, index) => {
    const codes = bins.codes[column] ?? new Uint8Array()
    const from = index * BINS * 3
    for (let at = 0; at < rows.length; at++) {
      const cell = from + (codes[rows[at] ?? 0] ?? 0) * 3
      histogram[cell] = (histogram[cell] ?? 0) + (slopes[at] ?? 0)
      histogram[cell + 1] = (histogram[cell + 1] ?? 0) + (weights[at] ?? 0)
      histogram[cell + 2] = (histogram[cell + 2] ?? 0) + 1
    }
  })
  return histogram
}

/** The split with the most gain G²/H left and right. */
function bestSplit(
  tested: readonly number[],
  histogram: Float64Array,
  rows: number,
  least: number,
): Split | null {
  if (rows < 2 * least) return null
  let [slopeSum, weightSum] = [0, 0]
  for (let bin = 0; bin < BINS; bin++) {
    slopeSum += histogram[bin * 3] ?? 0
    weightSum += histogram[bin * 3 + 1] ?? 0
  }
  let best: Split | null = null
  tested.forEach((column, index) => {
    let [lowSlope, lowWeight, lowCount] = [0, 0, 0]
    for (let bin = 0; bin + 1 < BINS; bin++) {
      const cell = (index * BINS + bin) * 3
      lowSlope += histogram[cell] ?? 0
      lowWeight += histogram[cell + 1] ?? 0
      lowCount += histogram[cell + 2] ?? 0
      if (lowCount < least) continue
      if (rows - lowCount < least) break
      const gain =
        lowSlope ** 2 / lowWeight +
        (slopeSum - lowSlope) ** 2 / (weightSum - lowWeight) -
        slopeSum ** 2 / weightSum
      if (gain > (best?.gain ?? 1e-9)) best = { gain, column, bin }
    }
  })
  return best
}

interface Bins {
  /** Bin of each row, by column; bin 0 holds what is missing too. */
  readonly codes: readonly Uint8Array[]
  /** Highest value of each bin, by column. */
  readonly edges: readonly Float64Array[]
}

/** Bins of about equal counts. */
function binned({ columns, x, y }: BoostingData): Bins {
  const rows = y.length
  const codes: Uint8Array[] = []
  const edges: Float64Array[] = []
  for (let column = 0; column < columns; column++) {
    const values = Float64Array.from({ length: rows }, (_, row) => x[row * columns + column] ?? Number.NaN)
    const sorted = values.filter((value) => !Number.isNaN(value)).sort()
    const edge = Float64Array.from({ length: BINS - 1 }, (_, bin) => {
      return sorted[Math.floor(((bin + 1) * sorted.length) / BINS)] ?? 0
    })
    codes.push(
      Uint8Array.from(values, (value) => {
        if (Number.isNaN(value)) return 0
        let [low, high] = [0, BINS - 1]
        while (low < high) {
          const middle = (low + high) >> 1
          if (value <= (edge[middle] ?? 0)) high = middle
          else low = middle + 1
        }
        return low
      }),
    )
    edges.push(edge)
  }
  return { codes, edges }
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits))
}

function weightedMedian(values: Float64Array, weights: Float64Array): number {
  const order = Uint32Array.from(values, (_, at) => at)
  order.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  let left = weights.reduce((sum, weight) => sum + weight, 0) / 2
  for (const at of order) {
    left -= weights[at] ?? 0
    if (left <= 0) return values[at] ?? 0
  }
  return 0
}
