import type { Adapted } from '../../contract/model/adapted.ts'
import type { ForecastQuantiles } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS, SeriesForecaster } from '../../contract/model/series-forecaster.ts'
import { adapt } from '../train/adapt.ts'
import { Score } from '../train/evaluate.node.ts'
import { FIT_SHARE, type Trace } from '../train/traces.node.ts'
import { historyAt, type TrafficSeries } from '../train/traffic-series.ts'
import { FalseSurges } from './forecast-surges.ts'

/** Errors of one horizon of a trace, in %. */
export interface TraceScore {
  readonly minutes: number
  readonly origins: number
  /** WAPE after adapting to the first 70 %, as shipped, and of the plain reference model. */
  readonly champion: number
  readonly zeroShot: number
  readonly reference: number
  /** Share of actuals within p10 to p90. */
  readonly coverage: { readonly champion: number; readonly zeroShot: number; readonly reference: number }
}

/** What a trace tells of the forecaster. */
export interface TraceScores {
  readonly horizons: readonly TraceScore[]
  /** Calls of surges above so many times the fit part's 99 % quantile that none followed, a week; of minute series. */
  readonly falseSurges: readonly {
    readonly factor: number
    readonly perWeek: number
    readonly minutes: number
  }[]
}

const SURGE_FACTORS = [1.5, 2, 3]

/**
 * Measures a series' forecaster on the last 30 % of a trace by the protocol: as shipped (it begins at the test part
 * and knows nothing of the trace), and adapted (it ran on the first 70 %, to which its regressions were then fitted).
 * @param referenceAt the reference model's forecast at a sample
 */
export function scoreTrace(
  { series }: Trace,
  referenceAt: (origin: number) => ForecastQuantiles | null,
): TraceScores {
  const split = Math.floor(series.rps.length * FIT_SHARE)
  const zeroShot = new SeriesForecaster(series.stepS)
  const champion = running(series, split, adapt(series, split, referenceAt), referenceAt)
  const horizons = HORIZONS.filter(({ minutes }) => (minutes * 60) % series.stepS === 0).map((horizon) => {
    const score = () => new Score(series, (horizon.minutes * 60) / series.stepS)
    return { ...horizon, scores: { champion: score(), zeroShot: score(), reference: score() } }
  })
  const usual = Array.from(series.rps.subarray(0, split)).filter(Number.isFinite)
  const high = usual.sort((a, b) => a - b)[Math.floor(usual.length * 0.99)] ?? Number.NaN
  const surges = (series.stepS === 60 ? SURGE_FACTORS : []).map((factor) => ({
    factor,
    calls: new FalseSurges(series, factor * high),
  }))
  for (let origin = split; origin < series.rps.length; origin++) {
    const reference = referenceAt(origin)
    if (reference === null) continue
    const history = historyAt(series, origin)
    const answers = {
      champion: champion.step(history, reference),
      zeroShot: zeroShot.step(history, reference),
      reference,
    }
    for (const { calls } of surges) calls.add(origin, answers.zeroShot)
    for (const { key, scores } of horizons) {
      if (!scores.reference.counts(origin)) continue
      scores.champion.add(origin, answers.champion[key])
      scores.zeroShot.add(origin, answers.zeroShot[key])
      scores.reference.add(origin, answers.reference[key])
    }
  }
  const measured = horizons.map(({ minutes, scores }) => {
    const results = {
      champion: scores.champion.result({}),
      zeroShot: scores.zeroShot.result({}),
      reference: scores.reference.result({}),
    }
    return {
      minutes,
      origins: results.reference.origins,
      champion: results.champion.model,
      zeroShot: results.zeroShot.model,
      reference: results.reference.model,
      coverage: {
        champion: results.champion.coverage,
        zeroShot: results.zeroShot.coverage,
        reference: results.reference.coverage,
      },
    }
  })
  const falseSurges = surges.map(({ factor, calls }) => ({
    factor,
    perWeek: calls.perWeek,
    minutes: series.rps.length - split,
  }))
  return { horizons: measured, falseSurges }
}

/** A forecaster that has forecast the first samples as they came, and is given its regressions then. */
function running(
  series: TrafficSeries,
  until: number,
  adapted: Adapted,
  referenceAt: (origin: number) => ForecastQuantiles | null,
): SeriesForecaster {
  const forecaster = new SeriesForecaster(series.stepS)
  for (let origin = LOOKBACK - 1; origin < until; origin++) {
    const reference = referenceAt(origin)
    if (reference !== null) forecaster.step(historyAt(series, origin), reference)
  }
  return new SeriesForecaster(series.stepS, { adapted, state: forecaster.state() })
}
