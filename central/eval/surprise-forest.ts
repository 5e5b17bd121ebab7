import { type Random, seededRandom } from '../../contract/ports.ts'
import {
  STREAM_SIGNALS,
  StreamDetector,
  type SurpriseForest,
} from '../../core-wasm/anomaly/stream-detector.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { encodeForest, Forest } from '../../core-wasm/forest.ts'
import { generateTraffic } from '../train/generated-traffic.ts'
import { trainForest } from '../train/isolation-forest.ts'
import { coarser } from '../train/traffic-series.ts'

export interface SurpriseForestOptions {
  readonly seed: number
  readonly series: number
  readonly days: number
  /** Minutes a sample. */
  readonly stepMin: number
  readonly trees: number
  readonly subsample: number
}

const SURPRISE_FOREST: SurpriseForestOptions = {
  seed: 1,
  series: 24,
  days: 21,
  stepMin: 5,
  trees: 100,
  subsample: 256,
}

/** Rows of a series that are left out: the tails know little yet. */
const YOUNG_ROWS = 300

/**
 * Trains the one forest that serves every series: on the surprises of generated traffic, which mean the same whatever
 * the series. Its raw score (Liu et al. 2008) is turned into -log10 of the share of that traffic that scores as high.
 */
export function trainSurpriseForest(options: SurpriseForestOptions = SURPRISE_FOREST): SurpriseForest {
  const random = seededRandom(options.seed)
  const points = generatedSurprises(options, random)
  const width = STREAM_SIGNALS.length
  const forest = Forest.load(loadCore(), encodeForest(trainForest(points, width, options, random)))
  const scores = new Float64Array(points.length / width)
  for (let row = 0; row < scores.length; row++)
    scores[row] = forest.score(points.subarray(row * width, (row + 1) * width))
  scores.sort()
  return { surprise: (surprises) => raritySorted(scores, forest.score(surprises)) }
}

function generatedSurprises(options: SurpriseForestOptions, random: Random): Float32Array {
  const rows: number[] = []
  for (let index = 0; index < options.series; index++) {
    const minutes = generateTraffic(random, `generated ${index}`, options.days)
    const series = coarser(minutes, options.stepMin)
    const detector = new StreamDetector()
    series.rps.forEach((value, row) => {
      const seen = detector.push(value, series.startMs + row * series.stepS * 1000)
      if (seen !== null && row >= YOUNG_ROWS) rows.push(...seen.surprises)
    })
  }
  return Float32Array.from(rows)
}

/** -log10 of the share of `sorted` that is at least `value`. */
function raritySorted(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return Math.log10((sorted.length + 1) / (sorted.length - low + 0.5))
}
