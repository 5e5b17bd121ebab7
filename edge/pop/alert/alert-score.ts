import { between } from '../../../core-wasm/anomaly/knots.ts'
import type { SeriesView, Signal } from '../../../core-wasm/anomaly/series-watch.ts'
import type { AnomalyView } from '../anomaly-watch.ts'

/** A calibrated score, and -log10 of the share of ordinary ticks that score as high (contract/model/calibration.ts). */
const SCORE_OF_RARITY = [
  [0, 0],
  [0.301, 0.3],
  [2, 0.7],
  [3, 0.85],
  [3.523, 0.9],
  [4, 0.95],
  [6, 1],
] as const
const RARITY_OF_SCORE = SCORE_OF_RARITY.map(([rarity, score]) => [score, rarity] as const)
/** A minute's verdict is used until the next one must have come: from when it was heard, as ticks of a replay may be minutes long. */
const SERIES_FOR_MS = 150_000

const TICKS_A_MINUTE = 60

/** The last minute's verdict on the series. */
export interface MinuteVerdict extends SeriesView {
  /** Trace time of the tick that closed the minute. */
  readonly heardMs: number
}

export interface AlertScore {
  /** 0..1; NaN while nothing can be said. */
  readonly score: number
  /** Ticks that speak for it: one, or, for a minute's verdict, as many as a minute has at one a second. */
  readonly ticks: number
  /** What isolates the tick: of all traffic, or of the module that is odd. */
  readonly features: readonly string[]
  readonly signals: readonly Signal[]
  /** The module that is odd itself; null where it is all traffic. */
  readonly module: string | null
}

const SILENT: AlertScore = { score: Number.NaN, ticks: 0, features: [], signals: [], module: null }

/**
 * One score for alerts: the highest of all traffic's tick, of the modules' ticks, and of the last minute's series. The
 * more ticks are watched, the less each counts, so that more modules do not alarm more often.
 */
export function alertScore(view: AnomalyView, minute: MinuteVerdict | null, nowMs: number): AlertScore {
  const ticks = [
    ...(view.total === null ? [] : [{ name: null, anomaly: view.total }]),
    ...view.modules,
  ].filter(({ anomaly }) => !Number.isNaN(anomaly.score))
  const candidates = ticks.map(
    ({ name, anomaly }): AlertScore => ({
      score: among(ticks.length, anomaly.score),
      ticks: 1,
      features: anomaly.features,
      signals: [],
      module: name,
    }),
  )
  const isFresh = minute !== null && Math.abs(nowMs - minute.heardMs) < SERIES_FOR_MS
  if (isFresh) {
    const { score, signals } = minute
    candidates.push({
      score,
      ticks: TICKS_A_MINUTE,
      signals,
      features: [],
      module: signals[0]?.module ?? null,
    })
  }
  const highest = candidates.reduce(
    (best, one) => (one.score > best.score || Number.isNaN(best.score) ? one : best),
    SILENT,
  )
  return isFresh ? { ...highest, signals: minute.signals } : highest
}

/** The score of one among several, each of which might have had it by chance (Bonferroni). */
function among(count: number, score: number): number {
  const rarity = between(RARITY_OF_SCORE, score) - Math.log10(count)
  return between(SCORE_OF_RARITY, Math.max(0, rarity))
}
