import type { FeatureTail } from '../../contract/model/feature-tail.ts'
import { tailSurprise } from './feature-tails.ts'

/** Below this the running mean has forgotten what there was. */
const LEAST_SCORE = 1e-3

export interface MultivariateSettings {
  /** Surprise from which a feature counts: 2.5 = beyond what three fitting rows in a thousand show (its contamination). */
  readonly level: number
  /** Mean over about this many rows: what lasts weighs more than what flickers. */
  readonly smoothRows: number
  /** Suspects are judged by what is new against their mean over about this many rows. */
  readonly usualRows: number
}

/** The one setting for all machines. */
export const MULTIVARIATE_SETTINGS: MultivariateSettings = {
  level: 2.5,
  smoothRows: 5,
  usualRows: 1000,
}

/** What rates a row's excesses: a Forest of the core. */
export interface ExcessForest {
  score(point: Float64Array): number
}

export interface MultivariateDetection {
  /** 0 = nothing beyond its level, no upper bound. */
  readonly score: number
  /** -log10 of how rare each feature's value was in the fitting rows. The same array each time: copy what is kept. */
  readonly surprises: Float64Array
}

/** What a detector remembers between rows. Plain JSON. */
export interface MultivariateState {
  rows: number
  mean: number
  /** Means of each feature's surprise: over the last few rows, and over many. */
  readonly recent: number[]
  readonly usual: number[]
}

/**
 * Detector over many measures of one machine, fitted on rows without labels. Each feature is turned into -log10 of how
 * rare its value was in the fitting rows (as ECOD does: Li et al., "ECOD: Unsupervised Outlier Detection Using Empirical
 * Cumulative Distribution Functions", 2022), and only what is beyond a level counts, so that many ordinary features do not
 * drown a few odd ones. The score is the geometric mean of the sum of these excesses and of how far an isolation forest, grown on
 * the fitting rows' excesses, isolates the row beyond one without any; then a short running mean. No clock, no look ahead.
 */
export class MultivariateDetector {
  readonly #tails: readonly FeatureTail[]
  readonly #forest: ExcessForest
  readonly #settings: MultivariateSettings
  readonly #state: MultivariateState
  readonly #surprises: Float64Array
  readonly #excess: Float64Array
  readonly #calm: number

  /** @param state of `state()`: continues where that one stood; it is taken over, not copied */
  constructor(
    tails: readonly FeatureTail[],
    forest: ExcessForest,
    settings: MultivariateSettings = MULTIVARIATE_SETTINGS,
    state: MultivariateState = { rows: 0, mean: 0, recent: tails.map(() => 0), usual: tails.map(() => 0) },
  ) {
    this.#tails = tails
    this.#forest = forest
    this.#settings = settings
    this.#state = state
    this.#surprises = new Float64Array(tails.length)
    this.#excess = new Float64Array(tails.length)
    this.#calm = forest.score(this.#excess)
  }

  /** Judges the next row: as many values as features, NaN where one is not measured. */
  push(row: ArrayLike<number>): MultivariateDetection {
    const { level, smoothRows, usualRows } = this.#settings
    const state = this.#state
    surprisesOf(this.#tails, row, this.#surprises)
    const sum = excessesOf(this.#surprises, level, this.#excess)
    const isolation = sum === 0 ? 0 : Math.max(0, this.#forest.score(this.#excess) - this.#calm)
    state.rows++
    state.mean += (Math.sqrt(sum * isolation) - state.mean) / Math.min(state.rows, smoothRows)
    this.#surprises.forEach((surprise, feature) => {
      state.recent[feature] = moved(state.recent[feature], surprise, Math.min(state.rows, smoothRows))
      state.usual[feature] = moved(state.usual[feature], surprise, Math.min(state.rows, usualRows))
    })
    return { score: state.mean < LEAST_SCORE ? 0 : state.mean, surprises: this.#surprises }
  }

  /** Indexes of the at most k features that are more surprising now than they usually are, the strongest first. */
  suspects(k: number): number[] {
    const { recent, usual } = this.#state
    return recent
      .map((surprise, feature) => ({ news: surprise - (usual[feature] ?? 0), feature }))
      .filter(({ news }) => news > 0)
      .sort((a, b) => b.news - a.news || a.feature - b.feature)
      .slice(0, k)
      .map(({ feature }) => feature)
  }

  /** What it remembers: plain JSON, live. */
  state(): MultivariateState {
    return this.#state
  }
}

/** Fills `into` with the surprise of each feature of a row. */
export function surprisesOf(tails: readonly FeatureTail[], row: ArrayLike<number>, into: Float64Array): void {
  tails.forEach((tail, feature) => {
    into[feature] = tailSurprise(tail, row[feature] ?? Number.NaN)
  })
}

/** Fills `into` with how far each surprise is beyond the level; their sum. */
export function excessesOf(
  surprises: Float64Array,
  level: number,
  into: Float64Array | Float32Array,
): number {
  let sum = 0
  surprises.forEach((surprise, feature) => {
    const excess = Math.max(0, surprise - level)
    into[feature] = excess
    sum += excess
  })
  return sum
}

function moved(mean: number | undefined, value: number, rows: number): number {
  return (mean ?? 0) + (value - (mean ?? 0)) / rows
}
