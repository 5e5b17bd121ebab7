import { messageOf } from '../../contract/errors.ts'
import type { Forecast, ForecasterState } from '../../contract/messages.ts'
import { LOOKBACK, type SeriesHistory } from '../../contract/model/series.ts'
import type { ForecastAnswer, ForecastStub } from '../control/stubs.ts'

/** A forecast older than two steps is not trusted. */
const STALE_MS = 120_000
/** With fewer known minutes than this in a full lookback there is nothing to forecast from. */
const MIN_KNOWN = (LOOKBACK * 3) / 4
/** A forecaster is judged by at least this many forecasts whose truth is known. */
const MIN_JUDGED = 120

/** The minutes that are known. */
export interface History {
  /** How far back the last lookback is filled, and how many minutes of it are known. */
  filled(): { readonly minutes: number; readonly known: number }
  series(name: string): SeriesHistory
}

/**
 * Asks for a forecast with each closed minute and keeps the newest one. No tick waits for it: an answer is used from
 * when it is there. Without one that can be trusted the PoP is reactive, and says why.
 */
export class ForecastDesk {
  readonly #history: History
  readonly #forecaster: Pick<ForecastStub, 'forecast'>
  #asking = false
  #opened = false
  #latest: Forecast | null = null
  #failure: string | null = null

  constructor(history: History, forecaster: Pick<ForecastStub, 'forecast'>) {
    this.#history = history
    this.#forecaster = forecaster
  }

  /**
   * A minute has closed: ask, unless an answer is still on its way. While the history fills, the first minute has the
   * model opened: opening takes a quarter of a second of CPU, and a bad file should be known before it is needed.
   * Settles when the answer is in; never rejects.
   */
  async minuteClosed(): Promise<void> {
    const { minutes, known } = this.#history.filled()
    const isReady = minutes >= LOOKBACK && known >= MIN_KNOWN
    if (this.#asking || (!isReady && this.#opened)) return
    this.#asking = true
    try {
      const answer = await this.#forecaster.forecast(isReady ? [this.#history.series('total')] : [])
      this.#opened = answer.ok
      if (isReady) this.#take(answer)
      else this.#failure = answer.ok ? null : answer.reason
    } catch (thrown) {
      this.#failure = `the forecaster cannot be reached: ${messageOf(thrown)}`
    } finally {
      this.#asking = false
    }
  }

  /** What the forecaster says now: still warming, a forecast to trust, or why there is none. */
  state(nowMs: number): ForecasterState {
    const { minutes, known } = this.#history.filled()
    if (this.#failure !== null) return { kind: 'reactive', reason: this.#failure }
    if (minutes < LOOKBACK) return { kind: 'warming', minutes, of: LOOKBACK }
    if (known < MIN_KNOWN) {
      return { kind: 'reactive', reason: `only ${known} of the last ${LOOKBACK} minutes are known` }
    }
    if (this.#latest === null) return { kind: 'reactive', reason: 'waiting for the first forecast' }
    const ageMs = nowMs - this.#latest.madeAtMs
    if (ageMs > STALE_MS) {
      return { kind: 'reactive', reason: `the last forecast is ${Math.round(ageMs / 1000)} s old` }
    }
    const reason = worseThanSeason(this.#latest)
    return reason === null ? { kind: 'ready', forecast: this.#latest } : { kind: 'reactive', reason }
  }

  #take(answer: ForecastAnswer): void {
    const forecast = answer.ok ? answer.forecasts[0] : undefined
    if (!answer.ok) this.#failure = answer.reason
    else if (forecast === undefined || !isUsable(forecast))
      this.#failure = 'the forecaster gave no usable forecast'
    else {
      this.#failure = null
      this.#latest = forecast
    }
  }
}

/** Why a forecast is not to be trusted that of late was worse than saying what was a day before; null if it is. */
function worseThanSeason({ rolling }: Forecast): string | null {
  if (!rolling || rolling.known < MIN_JUDGED || rolling.seasonalNaive === null) return null
  if (rolling.champion <= rolling.seasonalNaive) return null
  const [own, naive] = [rolling.champion, rolling.seasonalNaive].map((error) => error.toPrecision(3))
  return `forecasts of the last hours missed by ${own} RPS, those of a day before by ${naive}`
}

function isUsable(forecast: Forecast): boolean {
  const all = [forecast.in5, forecast.in15, forecast.in60].flatMap((q) => [q.p10, q.p50, q.p90])
  return Number.isFinite(forecast.madeAtMs) && all.every((value) => Number.isFinite(value) && value >= 0)
}
