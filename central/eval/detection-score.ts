/** How well scores find the anomalous rows at their best threshold. */
export interface BestF1 {
  readonly f1: number
  readonly precision: number
  readonly recall: number
  /** A row counts as found from this score on. */
  readonly threshold: number
}

/** The best F1 over all thresholds, row by row, without point adjustment. */
export function bestF1(scores: ArrayLike<number>, labels: ArrayLike<number>): BestF1 {
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row)
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const positives = Array.from(labels).reduce((sum, label) => sum + (label ? 1 : 0), 0)
  let best: BestF1 = { f1: 0, precision: 0, recall: 0, threshold: Number.POSITIVE_INFINITY }
  let hits = 0
  for (let place = 0; place < order.length; place++) {
    const row = order[place] ?? 0
    if (labels[row]) hits++
    if (place + 1 < order.length && scores[order[place + 1] ?? 0] === scores[row]) continue
    const f1 = (2 * hits) / (place + 1 + positives)
    if (f1 > best.f1)
      best = { f1, precision: hits / (place + 1), recall: hits / positives, threshold: scores[row] ?? 0 }
  }
  return best
}

/**
 * The same with point adjustment (Xu et al. 2018): one row found in a labelled stretch counts as all of it found. Flatters
 * (Kim et al., "Towards a Rigorous Evaluation of Time-series Anomaly Detection", 2022), so it is for comparison only.
 */
export function bestAdjustedF1(scores: ArrayLike<number>, labels: ArrayLike<number>): BestF1 {
  const adjusted = Float64Array.from(scores)
  for (let row = 0; row < labels.length; row++) {
    if (!labels[row]) continue
    let end = row
    let most = Number.NEGATIVE_INFINITY
    while (end < labels.length && labels[end]) most = Math.max(most, scores[end++] ?? most)
    adjusted.fill(most, row, end)
    row = end
  }
  return bestF1(adjusted, labels)
}
