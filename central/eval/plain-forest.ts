import { seededRandom } from '../../contract/ports.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { encodeForest, Forest } from '../../core-wasm/forest.ts'
import { trainForest } from '../train/isolation-forest.ts'
import { probationRows } from './nab-scorer.ts'

/** What a plain forest on a series sees of each row: its value, its step, its z-score against the rows before. */
const FEATURES = 3
const WINDOW = 100
/** Keeps the z-score finite where the window is flat. */
const TINY = 1e-9
const TREES = 100
const SUBSAMPLE = 256
const REFITS = 10

/** When it is fitted: once on the probationary rows, or again and again on all rows so far. */
export type PlainMode = 'probation' | 'expanding'

/** Scores of a plain isolation forest on one series, as `nab-baselines.json` describes it; 0 in the probationary rows. */
export function plainForestScores(values: Float64Array, mode: PlainMode, seed = 1): Float64Array {
  const rows = values.length
  const probation = probationRows(rows)
  const points = pointsOf(values)
  const scores = new Float64Array(rows)
  const fits = mode === 'probation' ? 1 : REFITS
  for (let fit = 0; fit < fits; fit++) {
    const from = Math.floor(probation + ((rows - probation) * fit) / fits)
    const to = Math.floor(probation + ((rows - probation) * (fit + 1)) / fits)
    const past = points.subarray(0, from * FEATURES)
    const options = { trees: TREES, subsample: Math.min(SUBSAMPLE, from) }
    const trees = trainForest(past, FEATURES, options, seededRandom(seed))
    const forest = Forest.load(loadCore(), encodeForest(trees))
    for (let row = from; row < to; row++)
      scores[row] = forest.score(points.subarray(row * FEATURES, (row + 1) * FEATURES))
  }
  return scores
}

/** A row's score, where it beats all scores of the max(50, rows / 20) rows before it; else 0. */
export function onlyPeaks(scores: Float64Array): Float64Array {
  const window = Math.max(50, Math.floor(scores.length / 20))
  return scores.map((score, row) => {
    for (let before = Math.max(0, row - window); before < row; before++)
      if ((scores[before] ?? 0) >= score) return 0
    return score
  })
}

function pointsOf(values: Float64Array): Float32Array {
  const points = new Float32Array(values.length * FEATURES)
  values.forEach((value, row) => {
    const past = values.subarray(Math.max(0, row - WINDOW), row)
    const mean = past.length === 0 ? value : past.reduce((sum, one) => sum + one, 0) / past.length
    const variance = past.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, past.length)
    const step = row === 0 ? 0 : value - (values[row - 1] ?? 0)
    points.set([value, step, (value - mean) / (Math.sqrt(variance) + TINY)], row * FEATURES)
  })
  return points
}
