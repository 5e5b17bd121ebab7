import { DurableObject } from 'cloudflare:workers'
import { messageOf } from '../../contract/errors.ts'
import type { Forecast } from '../../contract/messages.ts'
import { parseManifest } from '../../contract/model/manifest.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import modelBytes from '../../models/forecaster.onnx'
import manifestDocument from '../../models/manifest.json'
import type { ForecastAnswer, ForecastStub } from '../control/stubs.ts'
import type { Forecaster } from './forecaster.ts'
import { SeriesBook } from './series-book.ts'

/**
 * Forecasts for one PoP in an object of its own, so that starting the runtime never stalls a tick: the model's answer,
 * and what each series' own past makes of it. The runtime and the model are loaded at the first call. A model that is
 * refused stays refused for the object's life: the file is part of the bundle.
 */
export class ForecastObject extends DurableObject implements ForecastStub {
  readonly #book = new SeriesBook(this.ctx.storage)
  #loading: Promise<Forecaster> | null = null

  /** One forecast a history, in order, or the reason why there are none. Never throws. */
  async forecast(histories: readonly SeriesHistory[]): Promise<ForecastAnswer> {
    try {
      this.#loading ??= load()
      const forecaster = await this.#loading
      const { model } = forecaster
      const references = await forecaster.forecast(histories)
      const forecasts: Forecast[] = []
      for (const [index, history] of histories.entries()) {
        const reference = references[index]
        if (reference !== undefined) forecasts.push(await this.#book.forecast(history, reference, model))
      }
      return { ok: true, model, forecasts }
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
