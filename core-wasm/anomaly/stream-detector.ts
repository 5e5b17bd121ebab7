import { freshHabituation, type HabituationState, newsOf } from './habituation.ts'
import { between } from './knots.ts'
import { freshRange, noveltyOf, type RangeState, widen } from './range-novelty.ts'
import { deviation, freshScale, learn, type RunningScaleState, rateOf } from './running-scale.ts'
import { freshSeason, learnSeason, type SeasonState, seasonalResidual, usualOfDay } from './season.ts'
import { freshTail, remember, surpriseOf, type TailState } from './tail.ts'

/** The signals of a value, in this order: `Detection.surprises` has one surprise for each. */
export const STREAM_SIGNALS = ['novelty', 'season', 'shift', 'smoothNovelty', 'seasonMean'] as const

/** Rows of a series are its samples: seconds, minutes or hours, as it comes. */
export interface StreamSettings {
  /** Rows in which nothing is surprising: the tails are empty. */
  readonly warmupRows: number
  /** Weight of a sample in the usual value of its time of day. */
  readonly seasonRate: number
  /** Memory, in rows, of the spread of seasonal residuals. */
  readonly residualRows: number
  /** Mean of about this many rows is compared with the long past. */
  readonly shiftRows: number
  /** Memory, in rows, of the long past. */
  readonly longRows: number
  /** Mean of about this many rows, whose range is watched too. */
  readonly smoothRows: number
  /** Mean of about this many seasonal residuals. */
  readonly seasonMeanRows: number
  /** Share by which the range narrows a row. */
  readonly rangeShrink: number
  /** Least difference between two values that means anything, in the series' unit: a series that never moved has no other scale. */
  readonly resolution: number
  /** Weight of the forest's surprise beside those of the first three signals. */
  readonly forestWeight: number
  readonly habituationRows: number
  readonly habituationShare: number
  readonly habituationStrength: number
  readonly refractoryShare: number
  readonly refractoryRows: number
  readonly refractoryMost: number
}

/** The one setting for all series. */
export const STREAM_SETTINGS: StreamSettings = {
  warmupRows: 50,
  seasonRate: 0.05,
  residualRows: 600,
  shiftRows: 72,
  longRows: 2000,
  smoothRows: 6,
  seasonMeanRows: 36,
  rangeShrink: 1e-6,
  resolution: 0,
  forestWeight: 0.5,
  habituationRows: 400,
  habituationShare: 0.08,
  habituationStrength: 0.6,
  refractoryShare: 0.05,
  refractoryRows: 50,
  refractoryMost: 2000,
}

/** Rates a vector of the signals' surprises: how rare it is as a whole, in the same unit (-log10 of a share). */
export interface SurpriseForest {
  surprise(surprises: Float64Array): number
}

/** Everything a detector remembers: plain JSON. */
export interface StreamState {
  rows: number
  readonly range: RangeState
  readonly smoothRange: RangeState
  readonly season: SeasonState
  readonly residual: RunningScaleState
  readonly residualMeans: RunningScaleState
  readonly means: RunningScaleState
  shiftMean: number
  smoothMean: number
  residualMean: number
  readonly tails: readonly TailState[]
  readonly total: TailState
  readonly habituation: HabituationState
}

export interface Detection {
  /** 0..1: 0.7 for the rarest 1 % of the series' own past, 0.85 one in a thousand, 0.95 one in ten thousand; 0 while warming. */
  readonly score: number
  /** -log10 of the share of the series' own past that was as surprising. */
  readonly rarity: number
  /** How unusual the value is, all signals together; stays high as long as things stay unusual. 0 = as usual. */
  readonly surprise: number
  /** How much of that is news: above 0 where something begins, 0 after. */
  readonly onset: number
  /** -log10 of how rare each signal is, in the order of STREAM_SIGNALS. The same array each time: copy what is kept. */
  readonly surprises: Float64Array
}

/** The signals that add up; the others speak through the forest alone. */
const ADDED_SIGNALS = 3
/** -log10 of the share of the past that was as surprising, and the score it is drawn to. */
const SCORE_KNOTS = [
  [0, 0],
  [Math.log10(2), 0.3],
  [2, 0.7],
  [3, 0.85],
  [-Math.log10(0.0003), 0.9],
  [4, 0.95],
  [7, 1],
] as const

export const freshStream = (): StreamState => ({
  rows: 0,
  range: freshRange(),
  smoothRange: freshRange(),
  season: freshSeason(),
  residual: freshScale(),
  residualMeans: freshScale(),
  means: freshScale(),
  shiftMean: 0,
  smoothMean: 0,
  residualMean: 0,
  tails: STREAM_SIGNALS.map(freshTail),
  total: freshTail(),
  habituation: freshHabituation(),
})

/**
 * Strictly online detector of anomalies in one series, with one setting for all series. Each value is compared with the
 * past only, then learnt. Signals: how far outside of the range so far, the residual against the time of day or week, the
 * recent mean against the long past (and, for the forest, the range of a short mean and the mean of recent residuals).
 * Each is turned into -log10 of how often the series showed as much: all series speak the same unit, so that no
 * threshold needs tuning. They add up (Fisher's method of combining tests), with the surprise of an isolation forest
 * over all of them, where one is given. Habituation and a refractory window make one onset of one incident.
 * About 2 µs a value without a forest, 6 with one of 100 trees; about 12 kB of state.
 */
export class StreamDetector {
  readonly #settings: StreamSettings
  readonly #forest: SurpriseForest | undefined
  readonly #state: StreamState
  readonly #surprises = new Float64Array(STREAM_SIGNALS.length)
  readonly #signals = new Float64Array(STREAM_SIGNALS.length)

  /** @param state of `state()`: continues where that one stood; it is taken over, not copied */
  constructor(options: { settings?: StreamSettings; forest?: SurpriseForest; state?: StreamState } = {}) {
    this.#settings = options.settings ?? STREAM_SETTINGS
    this.#forest = options.forest
    this.#state = options.state ?? freshStream()
  }

  /** Judges the next value of the series, then learns it. A value or time that is not finite is left out: null. */
  push(value: number, atMs: number): Detection | null {
    if (!Number.isFinite(value) || !Number.isFinite(atMs)) return null
    const state = this.#state
    const isWarm = state.rows >= this.#settings.warmupRows
    this.#sense(value, atMs)
    let surprise = 0
    this.#signals.forEach((signal, index) => {
      const tail = state.tails[index]
      if (tail === undefined) return
      const size = Math.abs(signal)
      const one = isWarm ? surpriseOf(tail, size) : 0
      this.#surprises[index] = one
      if (index < ADDED_SIGNALS) surprise += one
      remember(tail, size)
    })
    if (isWarm && this.#forest !== undefined)
      surprise += this.#settings.forestWeight * this.#forest.surprise(this.#surprises)
    const rarity = isWarm ? surpriseOf(state.total, surprise) : 0
    if (isWarm) remember(state.total, surprise)
    state.rows++
    return {
      score: between(SCORE_KNOTS, rarity),
      rarity,
      surprise,
      onset: newsOf(state.habituation, surprise, this.#settings),
      surprises: this.#surprises,
    }
  }

  /** What is usual at this time of day, else of late; null while nothing is known. */
  usual(atMs: number): number | null {
    const { season, means, rows } = this.#state
    return usualOfDay(season, atMs) ?? (rows < this.#settings.warmupRows ? null : means.centre)
  }

  /** What it remembers: plain JSON, live. */
  state(): StreamState {
    return this.#state
  }

  /** Fills the signals of a value, and learns it. */
  #sense(value: number, atMs: number): void {
    const { seasonRate, residualRows, shiftRows, longRows, smoothRows, seasonMeanRows } = this.#settings
    const { rangeShrink, resolution } = this.#settings
    const state = this.#state
    const residual = seasonalResidual(state.season, value, atMs)
    state.shiftMean = state.rows === 0 ? value : state.shiftMean + (value - state.shiftMean) / shiftRows
    state.smoothMean = state.rows === 0 ? value : state.smoothMean + (value - state.smoothMean) / smoothRows
    state.residualMean += (residual - state.residualMean) / seasonMeanRows

    this.#signals[0] = noveltyOf(state.range, value, resolution)
    this.#signals[1] = deviation(state.residual, residual, resolution)
    this.#signals[2] = deviation(state.means, state.shiftMean, resolution)
    this.#signals[3] = noveltyOf(state.smoothRange, state.smoothMean, resolution)
    this.#signals[4] = deviation(state.residualMeans, state.residualMean, resolution)

    widen(state.range, value, rangeShrink)
    widen(state.smoothRange, state.smoothMean, rangeShrink)
    learnSeason(state.season, value, atMs, seasonRate)
    learn(state.residual, residual, 0, rateOf(residualRows))
    learn(state.means, state.shiftMean, rateOf(longRows), rateOf(longRows))
    learn(state.residualMeans, state.residualMean, 0, rateOf(longRows))
  }
}
