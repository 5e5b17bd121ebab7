import type { Forecast } from '../../contract/messages.ts'
import type { ForecastQuantiles } from '../../contract/model/forecast-window.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import { SeriesForecaster, type SeriesForecasterState } from '../../contract/model/series-forecaster.ts'

/** Where the book's pages are kept: a Durable Object's storage. */
export interface BookStorage {
  get<T>(key: string): Promise<T | undefined>
  put<T>(key: string, value: T): Promise<void>
  delete(key: string): Promise<boolean>
}

/** The forecaster of each series of a PoP under one model, with what it has learnt; kept through restarts. */
export class SeriesBook {
  readonly #storage: BookStorage
  readonly #prefix: string
  readonly #from: string
  readonly #pages = new Map<string, SeriesForecaster>()

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

  /** What a series' forecaster makes of the reference's answer. A series whose time went back is begun anew. */
  async forecast(history: SeriesHistory, reference: ForecastQuantiles, model: string): Promise<Forecast> {
    const key = `series:${history.name}:${history.stepS}`
    const page = await this.#page(key, history)
    const answer = page.step(history, reference)
    const { seasonalNaive, ...rolling } = page.rolling
    await this.#storage.put(this.#prefix + key, page.state())
    return {
      madeAtMs: history.endMs,
      model,
      ...answer,
      rolling: { ...rolling, seasonalNaive: Number.isNaN(seasonalNaive) ? null : seasonalNaive },
    }
  }

  async #page(key: string, { stepS, endMs }: SeriesHistory): Promise<SeriesForecaster> {
    let page = this.#pages.get(key)
    if (page === undefined) {
      const state =
        (await this.#storage.get<SeriesForecasterState>(this.#prefix + key)) ??
        (await this.#storage.get<SeriesForecasterState>(this.#from + key))
      page = new SeriesForecaster(stepS, state === undefined ? {} : { state })
    }
    if (endMs < page.endMs) page = new SeriesForecaster(stepS)
    this.#pages.set(key, page)
    return page
  }
}
