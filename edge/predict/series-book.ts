import type { Forecast } from '../../contract/messages.ts'
import type { Adapted } from '../../contract/model/adapted.ts'
import type { ForecastQuantiles } from '../../contract/model/forecast-window.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import { SeriesForecaster, type SeriesForecasterState } from '../../contract/model/series-forecaster.ts'

/** Where the book's pages are kept: a Durable Object's storage. */
export interface BookStorage {
  get<T>(key: string): Promise<T | undefined>
  put<T>(key: string, value: T): Promise<void>
  delete(key: string): Promise<boolean>
}

/** Regressions of a series' own, and what names them. */
export interface Regressions {
  readonly hash: string
  readonly adapted: Adapted
}

/** What is kept of a series; `adapted`: the regressions that its mixes know, where there are any. */
type Page = SeriesForecasterState & { readonly adapted?: string }

interface OpenPage {
  readonly forecaster: SeriesForecaster
  /** Hash of the regressions that it runs with. */
  readonly adapted: string | null
}

/** The forecaster of each series of a PoP under one model, with what it has learnt; kept through restarts. */
export class SeriesBook {
  readonly #storage: BookStorage
  readonly #prefix: string
  readonly #from: string
  readonly #pages = new Map<string, OpenPage>()

  /**
   * @param prefix of the model's pages
   * @param from prefix of the pages that a model begins with that has none of its own
   */
  constructor(storage: BookStorage, prefix = '', from = prefix) {
    this.#storage = storage
    this.#prefix = prefix
    this.#from = from
  }

  /** The model is out of use: its pages go. */
  async forget(): Promise<void> {
    for (const key of this.#pages.keys()) await this.#storage.delete(this.#prefix + key)
    this.#pages.clear()
  }

  /**
   * What a series' forecaster makes of the reference's answer. A series whose time went back is begun anew; one whose
   * regressions change keeps what it knows of its past, and begins to weigh its experts anew.
   */
  async forecast(
    history: SeriesHistory,
    reference: ForecastQuantiles,
    model: string,
    regressions: Regressions | null = null,
  ): Promise<Forecast> {
    const key = `series:${history.name}:${history.stepS}`
    const { forecaster, adapted } = await this.#page(key, history, regressions)
    const answer = forecaster.step(history, reference)
    const { seasonalNaive, ...rolling } = forecaster.rolling
    const page: Page = { ...forecaster.state(), ...(adapted !== null && { adapted }) }
    await this.#storage.put(this.#prefix + key, page)
    return {
      madeAtMs: history.endMs,
      model,
      ...answer,
      rolling: { ...rolling, seasonalNaive: Number.isNaN(seasonalNaive) ? null : seasonalNaive },
    }
  }

  async #page(
    key: string,
    { stepS, endMs }: SeriesHistory,
    regressions: Regressions | null,
  ): Promise<OpenPage> {
    const adapted = regressions?.hash ?? null
    const own = regressions === null ? {} : { adapted: regressions.adapted }
    let page = this.#pages.get(key)
    if (page === undefined || page.adapted !== adapted) {
      const state =
        page === undefined ? await this.#kept(key) : { ...page.forecaster.state(), ...named(page) }
      page = { forecaster: new SeriesForecaster(stepS, { ...own, ...stateFor(state, adapted) }), adapted }
    }
    if (endMs < page.forecaster.endMs) page = { forecaster: new SeriesForecaster(stepS, own), adapted }
    this.#pages.set(key, page)
    return page
  }

  async #kept(key: string): Promise<Page | undefined> {
    return (
      (await this.#storage.get<Page>(this.#prefix + key)) ?? (await this.#storage.get<Page>(this.#from + key))
    )
  }
}

function named({ adapted }: OpenPage): { adapted?: string } {
  return adapted === null ? {} : { adapted }
}

/** A kept state, without what it had learnt of experts that are others now. */
function stateFor(page: Page | undefined, adapted: string | null): { state?: SeriesForecasterState } {
  if (page === undefined) return {}
  const { adapted: before = null, ...state } = page
  return { state: before === adapted ? state : { ...state, mixes: [], pending: [] } }
}
