import { FORECAST_FEATURES, windowFeatures } from '../../../contract/model/forecast-window.ts'
import { selfCheckHistory } from '../../../contract/model/self-check.ts'
import { LOOKBACK } from '../../../contract/model/series.ts'
import { type InferenceSession, openSession, Tensor } from '../../../edge/predict/ort-runtime.ts'

const sessions = new Map<string, InferenceSession>()

/**
 * Times whole windows of any forecaster inside workerd: `POST /NAME` with the model opens it, `GET /NAME?runs=N` answers
 * {runMs, answer}, the time of a window alone and the model's answer to one.
 */
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (request.method === 'POST') {
      sessions.set(pathname, await openSession(new Uint8Array(await request.arrayBuffer())))
      return Response.json(null)
    }
    const session = sessions.get(pathname)
    if (session === undefined) return new Response('no such model', { status: 404 })
    const runs = Number(searchParams.get('runs') ?? 1)
    const { features } = windowFeatures(selfCheckHistory(1))
    const window = new Tensor('float32', features, [1, LOOKBACK, FORECAST_FEATURES.length])
    const run = async () => (await session.run({ window })).quantiles?.data
    const answer = await run()
    const began = performance.now()
    for (let at = 0; at < runs; at++) await run()
    return Response.json({
      runMs: (performance.now() - began) / runs,
      answer: Array.from(answer as Float32Array),
    })
  },
}
