import { type ForecastQuantiles, readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import type { WindowModel } from './evaluate.node.ts'
import { historyAt, type TrafficSeries } from './traffic-series.ts'

const CHUNK = 1024

/** The reference's forecast at each sample, null before the first whole window. */
export async function referenceOf(
  model: WindowModel,
  series: TrafficSeries,
): Promise<(ForecastQuantiles | null)[]> {
  const answers: (ForecastQuantiles | null)[] = Array.from({ length: LOOKBACK - 1 }, () => null)
  for (let from = LOOKBACK - 1; from < series.rps.length; from += CHUNK) {
    const size = Math.min(CHUNK, series.rps.length - from)
    const windows = Array.from({ length: size }, (_, at) => windowFeatures(historyAt(series, from + at)))
    const output = await model.run(windows.map(({ features }) => features))
    windows.forEach(({ level }, at) => {
      answers.push(readForecast(output, level, at))
    })
  }
  return answers
}
