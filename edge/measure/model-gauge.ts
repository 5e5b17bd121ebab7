import { WorkerEntrypoint } from 'cloudflare:workers'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { readPackage } from '../../contract/model/model-package.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import type { Forecaster } from '../predict/forecaster.ts'

let forecaster: Forecaster | null = null

/**
 * An entry into the Worker by which central has a model run where PoPs run it, and times each request from outside. Only
 * a configuration of workerd that names it opens it (central/up/gauge.ts); a deployed Worker has no address for it.
 * - `GET /` answers once the Worker is up
 * - `PUT /`, a package: starts the runtime, opens and checks the model; answers {ok, code, reason}
 * - `POST /`, a history whose gaps are null: runs the model on it
 * - `POST /?idle` does the same without the model: what a round trip costs
 */
export class ModelGauge extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    try {
      if (request.method === 'PUT') await open(new Uint8Array(await request.arrayBuffer()))
      if (request.method === 'POST') await forecast(request)
      return Response.json({ ok: true })
    } catch (thrown) {
      const code = thrown instanceof AtlasError ? thrown.code : 'model/unreadable'
      return Response.json({ ok: false, code, reason: messageOf(thrown) })
    }
  }
}

async function open(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { manifest, model } = await readPackage(bytes)
  const { createForecaster } = await import('../predict/forecaster.ts')
  forecaster = await createForecaster(model, manifest.forecaster)
}

async function forecast(request: Request): Promise<void> {
  const told: Omit<SeriesHistory, 'rps'> & { rps: (number | null)[] } = await request.json()
  const history = { ...told, rps: told.rps.map((value) => value ?? Number.NaN) }
  await forecaster?.forecast(new URL(request.url).searchParams.has('idle') ? [] : [history])
}
