import { parseManifest } from '../../../contract/model/manifest.ts'
import { LOOKBACK, type SeriesHistory } from '../../../contract/model/series.ts'
import { createForecaster, type Forecaster } from '../../../edge/predict/forecaster.ts'
import modelBytes from '../../../models/forecaster.onnx'
import manifestDocument from '../../../models/manifest.json'

let forecaster: Forecaster | null = null

/**
 * Times the shipped forecaster inside workerd, whose clock runs during computation when served by `workerd serve`:
 * `/?series=N&runs=N` answers {coldMs, runMs}. The first request opens the session.
 */
export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const series = Number(searchParams.get('series') ?? 1)
    const runs = Number(searchParams.get('runs') ?? 1)
    const began = performance.now()
    const cold = forecaster === null
    forecaster ??= await createForecaster(
      new Uint8Array(modelBytes),
      parseManifest(manifestDocument).forecaster,
    )
    const histories = Array.from({ length: series }, (_, index) => historyOf(index))
    if (cold) await forecaster.forecast(histories)
    const coldMs = cold ? performance.now() - began : null

    const start = performance.now()
    for (let run = 0; run < runs; run++) await forecaster.forecast(histories)
    return Response.json({ coldMs, runMs: (performance.now() - start) / runs })
  },
}

function historyOf(index: number): SeriesHistory {
  const rps = Array.from({ length: LOOKBACK }, (_, minute) => 100 + index + 20 * Math.sin(minute / 9))
  return { name: `series-${index}`, stepS: 60, endMs: 1.7e12, rps, errorRate: rps.map(() => 0) }
}
