import { DurableObject } from 'cloudflare:workers'
import { messageOf } from '../../contract/errors.ts'
import { parseManifest } from '../../contract/model/manifest.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import modelBytes from '../../models/forecaster.onnx'
import manifestDocument from '../../models/manifest.json'
import type { ForecastAnswer, ForecastStub } from '../control/stubs.ts'
import type { Forecaster } from './forecaster.ts'

/**
 * Forecasts for one PoP in an object of its own, so that starting the runtime never stalls a tick. The runtime and the
 * model are loaded at the first call. A model that is refused stays refused for the object's life: the file is part
 * of the bundle.
 */
export class ForecastObject extends DurableObject implements ForecastStub {
  #loading: Promise<Forecaster> | null = null

  /** One forecast a history, in order, or the reason why there are none. Never throws. */
  async forecast(histories: readonly SeriesHistory[]): Promise<ForecastAnswer> {
    try {
      this.#loading ??= load()
      const forecaster = await this.#loading
      return { ok: true, model: forecaster.model, forecasts: await forecaster.forecast(histories) }
    } catch (thrown) {
      return { ok: false, reason: messageOf(thrown) }
    }
  }
}

/** The runtime is imported here, not at the top: a Worker's start does not pay for it. */
async function load(): Promise<Forecaster> {
  const { createForecaster } = await import('./forecaster.ts')
  return createForecaster(new Uint8Array(modelBytes), parseManifest(manifestDocument).forecaster)
}
