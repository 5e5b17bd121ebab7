import type { HeldBack } from '../../contract/model/adaptation.ts'
import type { Adapted } from '../../contract/model/adapted.ts'
import type { ForecastQuantiles } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS, SeriesForecaster } from '../../contract/model/series-forecaster.ts'
import { historyAt, type TrafficSeries } from '../train/traffic-series.ts'

/** Of a record, by time, what fits; the rest is held back to measure. */
export const FIT_SHARE = 0.8

/**
 * Measures a series' forecaster with its regressions and without on the samples from `split` on, as a PoP would run them: both
 * remember the samples before, each origin is forecast from what came before it, only targets that were recorded count.
 * @param referenceAt the reference model's forecast at a sample
 */
export function measureHeldBack(
  series: TrafficSeries,
  split: number,
  adapted: Adapted,
  referenceAt: (origin: number) => ForecastQuantiles | null,
): HeldBack {
  const [own, plain] = [{ adapted }, {}].map((options) => {
    const forecaster = new SeriesForecaster(series.stepS, options)
    for (let origin = LOOKBACK - 1; origin < split; origin++) forecaster.observe(historyAt(series, origin))
    return forecaster
  })
  const sums = HORIZONS.map(() => ({ count: 0, actual: 0, adapted: 0, unadapted: 0 }))
  for (let origin = split; origin < series.rps.length; origin++) {
    const reference = referenceAt(origin)
    if (reference === null || Number.isNaN(series.rps[origin])) continue
    const history = historyAt(series, origin)
    const answers = { own: own?.step(history, reference), plain: plain?.step(history, reference) }
    HORIZONS.forEach(({ key, minutes }, horizon) => {
      const actual = series.rps[origin + (minutes * 60) / series.stepS] ?? Number.NaN
      const sum = sums[horizon]
      if (Number.isNaN(actual) || sum === undefined) return
      sum.count += 1
      sum.actual += actual
      sum.adapted += Math.abs((answers.own?.[key].p50 ?? 0) - actual)
      sum.unadapted += Math.abs((answers.plain?.[key].p50 ?? 0) - actual)
    })
  }
  const none = { count: 0, actual: 0, adapted: 0, unadapted: 0 }
  const [in5 = none, in15 = none, in60 = none] = sums
  return { in5, in15, in60 }
}
