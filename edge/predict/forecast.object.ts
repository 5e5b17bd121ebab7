import { DurableObject } from 'cloudflare:workers'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Forecast } from '../../contract/messages.ts'
import type { AdaptationEntry } from '../../contract/model/adaptation.ts'
import { type ForecasterManifest, parseManifest } from '../../contract/model/manifest.ts'
import { openPackage } from '../../contract/model/model-package.ts'
import { BUNDLED, BUNDLED_LINEUP, type Lineup } from '../../contract/model/release.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import modelBytes from '../../models/forecaster.onnx'
import manifestDocument from '../../models/manifest.json'
import type { ForecastAnswer, ForecastStub, OfferAnswer, RivalAnswer } from '../control/stubs.ts'
import { AdaptationShelf, type OwnRegressions } from './adaptation-shelf.ts'
import type { Forecaster } from './forecaster.ts'
import { ModelShelf } from './model-shelf.ts'
import { SeriesBook } from './series-book.ts'

/** A model that runs, and what it has learnt of each series. */
interface Runner {
  readonly forecaster: Forecaster
  readonly book: SeriesBook
  /** SHA-256 of the model's file. */
  readonly sha256: string
}

/**
 * Forecasts for one PoP in an object of its own, so that starting the runtime or a model never stalls a tick: each
 * model's answer, and what each series' own past makes of it. A champion that cannot be opened leaves the one before it
 * answering, or the bundled one, and the reason. The bundled one, once refused, stays refused for the object's life.
 */
export class ForecastObject extends DurableObject implements ForecastStub {
  readonly #shelf = new ModelShelf(this.ctx.storage.sql)
  readonly #adaptations = new AdaptationShelf(this.ctx.storage.sql)
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
      const { forecasts, own } = await this.#forecastWith(runner, histories, lineup)
      const rival = lineup.rival === null ? null : await this.#rivalOf(lineup.rival, histories, lineup)
      await this.#retire(lineup)
      const adapted = own === null ? null : { hash: own.hash, fault: own.fault }
      return { ok: true, model: runner.forecaster.model, ref, fault, forecasts, rival, adapted }
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
      return refusal(thrown)
    }
  }

  /** Checks regressions of one of the PoP's series and keeps them; or says why not. Never throws. */
  async offerAdaptation(
    pop: string,
    entry: AdaptationEntry,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<OfferAnswer> {
    try {
      await this.#adaptations.put(pop, entry, bytes)
      return { ok: true, model: entry.series }
    } catch (thrown) {
      return refusal(thrown)
    }
  }

  /** Whether it has this model, or these regressions. */
  async keeps(ref: string): Promise<boolean> {
    return ref === BUNDLED || this.#shelf.has(ref) || this.#adaptations.has(ref)
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

  async #rivalOf(ref: string, histories: readonly SeriesHistory[], lineup: Lineup): Promise<RivalAnswer> {
    try {
      const runner = await this.#runner(ref)
      const { forecasts } = await this.#forecastWith(runner, histories, lineup)
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
    const book = new SeriesBook(this.ctx.storage, pageOf(ref), pageOf(this.#champion))
    return { forecaster, book, sha256: manifest.file.sha256 }
  }

  /** A model's answers, each made the best of by its series' page; `own`: what regressions the first of them has. */
  async #forecastWith(
    { forecaster, book, sha256 }: Runner,
    histories: readonly SeriesHistory[],
    { adapted = [] }: Lineup,
  ): Promise<{ forecasts: Forecast[]; own: OwnRegressions | null }> {
    const references = await forecaster.forecast(histories)
    const owns = histories.map((history) => this.#adaptations.find(adapted, history, sha256))
    const forecasts: Forecast[] = []
    for (const [index, history] of histories.entries()) {
      const reference = references[index]
      if (reference === undefined) continue
      const own = owns[index]
      const regressions = own?.adapted ? own : null
      forecasts.push(await book.forecast(history, reference, forecaster.model, regressions))
    }
    return { forecasts, own: owns[0] ?? null }
  }

  /** Another line-up runs: models and regressions that have no part in it are put away. */
  async #retire(lineup: Lineup): Promise<void> {
    const hashes = (lineup.adapted ?? []).map(({ hash }) => hash)
    const before = (this.#lineup.adapted ?? []).map(({ hash }) => hash)
    if (hashes.join() !== before.join()) this.#adaptations.tidy(hashes)
    const { adapted = [] } = lineup
    this.#lineup = { ...this.#lineup, adapted }
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

function refusal(thrown: unknown): OfferAnswer {
  const code = thrown instanceof AtlasError ? thrown.code : 'model/unreadable'
  return { ok: false, code, reason: messageOf(thrown) }
}

/** Where a model's book is kept: that of the bundled one has no name before it. */
function pageOf(ref: string): string {
  return ref === BUNDLED ? '' : `${ref.slice(0, 16)}/`
}
