import { DurableObject } from 'cloudflare:workers'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Forecast } from '../../contract/messages.ts'
import { type ForecasterManifest, parseManifest } from '../../contract/model/manifest.ts'
import { openPackage } from '../../contract/model/model-package.ts'
import { BUNDLED, BUNDLED_LINEUP, type Lineup } from '../../contract/model/release.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import modelBytes from '../../models/forecaster.onnx'
import manifestDocument from '../../models/manifest.json'
import type { ForecastAnswer, ForecastStub, OfferAnswer, RivalAnswer } from '../control/stubs.ts'
import type { Forecaster } from './forecaster.ts'
import { ModelShelf } from './model-shelf.ts'
import { SeriesBook } from './series-book.ts'

/** A model that runs, and what it has learnt of each series. */
interface Runner {
  readonly forecaster: Forecaster
  readonly book: SeriesBook
}

/**
 * Forecasts for one PoP in an object of its own, so that starting the runtime or a model never stalls a tick: each
 * model's answer, and what each series' own past makes of it. A champion that cannot be opened leaves the one before it
 * answering, or the bundled one, and the reason. The bundled one, once refused, stays refused for the object's life.
 */
export class ForecastObject extends DurableObject implements ForecastStub {
  readonly #shelf = new ModelShelf(this.ctx.storage.sql)
  readonly #runners = new Map<string, Promise<Runner>>()
  #lineup: Lineup = BUNDLED_LINEUP
  #champion = BUNDLED

  /** One forecast a history, in order, or the reason why there are none. Never throws. */
  async forecast(
    histories: readonly SeriesHistory[],
    lineup: Lineup = BUNDLED_LINEUP,
  ): Promise<ForecastAnswer> {
    try {
      const { ref, runner, fault } = await this.#championOf(lineup.champion)
      const forecasts = await forecastWith(runner, histories)
      const rival = lineup.rival === null ? null : await this.#rivalOf(lineup.rival, histories)
      await this.#retire(lineup)
      return { ok: true, model: runner.forecaster.model, ref, fault, forecasts, rival }
    } catch (thrown) {
      return { ok: false, reason: messageOf(thrown) }
    }
  }

  /** Opens and checks a package that should have this hash, and keeps it; or says why not. Never throws. */
  async offer(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<OfferAnswer> {
    try {
      const { manifest, model } = await openPackage(bytes, hash)
      const runner = await this.#open(hash, model, manifest.forecaster)
      this.#shelf.put(hash, bytes)
      if (this.#runners.has(hash)) await runner.forecaster.close()
      else this.#runners.set(hash, Promise.resolve(runner))
      return { ok: true, model: runner.forecaster.model }
    } catch (thrown) {
      const code = thrown instanceof AtlasError ? thrown.code : 'model/unreadable'
      return { ok: false, code, reason: messageOf(thrown) }
    }
  }

  /** Whether it has this model. */
  async keeps(ref: string): Promise<boolean> {
    return ref === BUNDLED || this.#shelf.has(ref)
  }

  async #championOf(wanted: string): Promise<{ ref: string; runner: Runner; fault: string | null }> {
    try {
      const runner = await this.#runner(wanted)
      this.#champion = wanted
      return { ref: wanted, runner, fault: null }
    } catch (thrown) {
      if (wanted === BUNDLED) throw thrown
      const ref = this.#champion === wanted ? BUNDLED : this.#champion
      return { ref, runner: await this.#runner(ref), fault: messageOf(thrown) }
    }
  }

  async #rivalOf(ref: string, histories: readonly SeriesHistory[]): Promise<RivalAnswer> {
    try {
      const runner = await this.#runner(ref)
      const forecasts = await forecastWith(runner, histories)
      return { ref, model: runner.forecaster.model, forecasts, fault: null }
    } catch (thrown) {
      return { ref, model: '', forecasts: [], fault: messageOf(thrown) }
    }
  }

  #runner(ref: string): Promise<Runner> {
    const running = this.#runners.get(ref)
    if (running !== undefined) return running
    const opening = ref === BUNDLED ? this.#openBundled() : this.#openKept(ref)
    this.#runners.set(ref, opening)
    if (ref !== BUNDLED) opening.catch(() => this.#runners.delete(ref))
    return opening
  }

  #openBundled(): Promise<Runner> {
    return this.#open(BUNDLED, new Uint8Array(modelBytes), parseManifest(manifestDocument).forecaster)
  }

  async #openKept(hash: string): Promise<Runner> {
    const bytes = this.#shelf.get(hash)
    if (bytes === null)
      throw new AtlasError('model/not-found', `model ${hash.slice(0, 12)}… is not kept here`)
    const { manifest, model } = await openPackage(bytes, hash)
    return this.#open(hash, model, manifest.forecaster)
  }

  /**
   * The runtime is imported here, not at the top: a Worker's start does not pay for it. What a new model knows of each
   * series it takes from the champion.
   */
  async #open(ref: string, model: Uint8Array<ArrayBuffer>, manifest: ForecasterManifest): Promise<Runner> {
    const { createForecaster } = await import('./forecaster.ts')
    const forecaster = await createForecaster(model, manifest)
    return { forecaster, book: new SeriesBook(this.ctx.storage, pageOf(ref), pageOf(this.#champion)) }
  }

  /** Another line-up runs: models that have no part in it are closed. */
  async #retire(lineup: Lineup): Promise<void> {
    if (lineup.champion === this.#lineup.champion && lineup.rival === this.#lineup.rival) return
    this.#lineup = lineup
    const inUse = [BUNDLED, lineup.champion, this.#champion, lineup.rival ?? BUNDLED]
    this.#shelf.tidy(inUse)
    for (const [ref, running] of this.#runners) {
      if (inUse.includes(ref)) continue
      this.#runners.delete(ref)
      const { forecaster, book } = await running
      await forecaster.close()
      await book.forget()
    }
  }
}

async function forecastWith(
  { forecaster, book }: Runner,
  histories: readonly SeriesHistory[],
): Promise<Forecast[]> {
  const references = await forecaster.forecast(histories)
  const forecasts: Forecast[] = []
  for (const [index, history] of histories.entries()) {
    const reference = references[index]
    if (reference !== undefined) forecasts.push(await book.forecast(history, reference, forecaster.model))
  }
  return forecasts
}

/** Where a model's book is kept: that of the bundled one has no name before it. */
function pageOf(ref: string): string {
  return ref === BUNDLED ? '' : `${ref.slice(0, 16)}/`
}
