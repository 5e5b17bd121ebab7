import type { FeatureTail } from '../../contract/model/feature-tail.ts'
import { seededRandom } from '../../contract/ports.ts'
import { fitTails } from '../../core-wasm/anomaly/feature-tails.ts'
import {
  excessesOf,
  MULTIVARIATE_SETTINGS,
  MultivariateDetector,
  type MultivariateSettings,
  surprisesOf,
} from '../../core-wasm/anomaly/multivariate-detector.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { encodeForest, Forest } from '../../core-wasm/forest.ts'
import { type ForestOptions, trainForest } from '../train/isolation-forest.ts'
import type { Machine, Rows } from './machines.ts'

const MACHINE_FOREST: ForestOptions = { trees: 100, subsample: 2048 }
/** scikit-learn's defaults. */
const PLAIN_FOREST: ForestOptions = { trees: 100, subsample: 256 }
const SEED = 1

export interface MachineScores {
  readonly scores: Float64Array
  /** Features by how much they make each row's score, the strongest first. */
  readonly suspects: readonly (readonly number[])[]
  /** Time to judge a row, without fitting. */
  readonly usPerRow: number
}

/** Fits our detector on the train part and runs it over the test part, row by row. */
export function scoreMachine(
  machine: Machine,
  settings: MultivariateSettings = MULTIVARIATE_SETTINGS,
  seed = SEED,
): MachineScores {
  const { train, test } = machine
  const tails = fitTails(train.values, train.width)
  const forest = grow(excessRows(tails, train, settings.level), train.width, MACHINE_FOREST, seed)
  const detector = new MultivariateDetector(tails, forest, settings)
  const scores = new Float64Array(test.count)
  const suspects: number[][] = []
  const began = process.hrtime.bigint()
  for (let row = 0; row < test.count; row++) {
    scores[row] = detector.push(rowOf(test, row)).score
    suspects.push(machine.labels[row] ? detector.suspects(train.width) : [])
  }
  return { scores, suspects, usPerRow: Number(process.hrtime.bigint() - began) / 1000 / test.count }
}

/** The scores of an isolation forest on the values as they are, fitted on the train part. */
export function scorePlainly(
  machine: Machine,
  options: ForestOptions = PLAIN_FOREST,
  seed = SEED,
): Float64Array {
  const forest = grow(machine.train.values, machine.train.width, options, seed)
  return Float64Array.from({ length: machine.test.count }, (_, row) => forest.score(rowOf(machine.test, row)))
}

function grow(rows: Float32Array, width: number, options: ForestOptions, seed: number): Forest {
  const subsample = Math.min(options.subsample, rows.length / width)
  const trees = trainForest(rows, width, { ...options, subsample }, seededRandom(seed))
  return Forest.load(loadCore(), encodeForest(trees))
}

function excessRows(tails: readonly FeatureTail[], rows: Rows, level: number): Float32Array {
  const excess = new Float32Array(rows.values.length)
  const surprises = new Float64Array(rows.width)
  for (let row = 0; row < rows.count; row++) {
    surprisesOf(tails, rowOf(rows, row), surprises)
    excessesOf(surprises, level, excess.subarray(row * rows.width, (row + 1) * rows.width))
  }
  return excess
}

function rowOf(rows: Rows, row: number): Float32Array {
  return rows.values.subarray(row * rows.width, (row + 1) * rows.width)
}

/** How well suspects meet the features noted to be at fault, over the faults of a machine. */
export interface SuspectHits {
  readonly faults: number
  /** Share of faults whose first suspect is at fault; whose first three hold one at fault. */
  readonly first: number
  readonly firstThree: number
  /** Of a fault with n features at fault: the share of the first n suspects that are (HitRate@100 %, Su et al. 2019). */
  readonly share: number
}

/** Judges the suspects of the row with the highest score of each noted fault. */
export function suspectHits(
  machine: Machine,
  { scores, suspects }: Pick<MachineScores, 'scores' | 'suspects'>,
): SuspectHits {
  const found = machine.faults.map(({ first, last, features }) => {
    let peak = first
    for (let row = first; row <= Math.min(last, scores.length - 1); row++)
      if ((scores[row] ?? 0) > (scores[peak] ?? 0)) peak = row
    const ranked = suspects[peak] ?? []
    const hits = (k: number) => ranked.slice(0, k).filter((feature) => features.includes(feature)).length
    return { first: hits(1), three: hits(3), share: hits(features.length) / features.length }
  })
  const mean = (of: (one: (typeof found)[number]) => number): number =>
    found.reduce((sum, one) => sum + of(one), 0) / (found.length || 1)
  return {
    faults: found.length,
    first: mean((one) => one.first),
    firstThree: mean((one) => Math.min(1, one.three)),
    share: mean((one) => one.share),
  }
}
