import type { AlertMessage, Draft, OpenAlert } from '../../../contract/messages.ts'
import { type AlertEvent, type AlertState, QUIET, stepAlert } from '../../../core-wasm/anomaly/alert.ts'
import type { SeriesView } from '../../../core-wasm/anomaly/series-watch.ts'
import type { AnomalyView } from '../anomaly-watch.ts'
import { type AlertScore, alertScore, type MinuteVerdict } from './alert-score.ts'
import { type CallBookState, NO_CALLS, sharesOf, withMinute } from './call-book.ts'
import { type Diagnosis, diagnose, MOST_WINDOWS } from './diagnosis.ts'
import type { ModuleCounts, OpenWindow } from './tick-window.ts'
import { WindowBook } from './window-book.ts'

const MOST_SIGNALS = 8

/** What alerts go on with after a restart. Plain JSON. */
export interface AlertMemory {
  readonly state: AlertState
  readonly id: string | null
  readonly told: AlertScore | null
  readonly diagnosis: Diagnosis | null
  readonly minute: MinuteVerdict | null
  readonly calls: CallBookState
  readonly window: OpenWindow | null
}

export interface AlertPorts {
  readonly sql: SqlStorage
  nextId(): string
  say(draft: Draft): void
}

/** One tick, as alerts see it. */
export interface AlertTick {
  readonly fromMs: number
  readonly nowMs: number
  readonly view: AnomalyView
  readonly modules: readonly ModuleCounts[]
}

/**
 * At most one alert for one incident, and with it the modules at fault: told when it opens, rises a level and closes. While it
 * is open the ranking is made anew with each window, as there is more to go by.
 */
export class Alerts {
  readonly #ports: AlertPorts
  readonly #windows: WindowBook
  #state: AlertState
  #id: string | null
  #told: AlertScore | null
  #diagnosis: Diagnosis | null
  #minute: MinuteVerdict | null
  #calls: CallBookState

  constructor(ports: AlertPorts, memory?: AlertMemory) {
    this.#ports = ports
    this.#windows = new WindowBook(ports.sql, memory?.window ?? null)
    this.#state = memory?.state ?? QUIET
    this.#id = memory?.id ?? null
    this.#told = memory?.told ?? null
    this.#diagnosis = memory?.diagnosis ?? null
    this.#minute = memory?.minute ?? null
    this.#calls = memory?.calls ?? NO_CALLS
  }

  /** The alert that is open; null when all is quiet. */
  get open(): OpenAlert | null {
    if (this.#state.kind !== 'open' || this.#id === null) return null
    const { level, sinceMs } = this.#state
    return { id: this.#id, level, sinceMs, suspect: this.#diagnosis?.suspects?.[0] ?? null }
  }

  /** A minute has closed: what its series say, and who called whom in it. */
  minuteClosed(series: SeriesView, calls: CallBookState, nowMs: number): void {
    this.#minute = { ...series, heardMs: nowMs }
    this.#calls = withMinute(this.#calls, calls)
  }

  tick({ fromMs, nowMs, view, modules }: AlertTick): void {
    const seen = alertScore(view, this.#minute, nowMs)
    const isOdd = this.#state.kind !== 'quiet' || Number.isNaN(seen.score)
    const isNewWindow = this.#windows.push({ fromMs, toMs: nowMs, isOdd }, modules)
    const { state, event } = stepAlert(this.#state, seen.score, nowMs, seen.ticks)
    this.#state = state
    if (event?.kind === 'opened') {
      this.#id = this.#ports.nextId()
      this.#diagnosis = null
    }
    const isWorse = this.#told === null || seen.score > this.#told.score
    if (state.kind === 'open' && (isWorse || event?.kind === 'opened')) this.#told = seen
    if (state.kind === 'open' && (event !== null || isNewWindow)) this.#diagnose(state.sinceMs)
    if (event !== null) this.#tell(event, seen.score, nowMs)
    if (event?.kind === 'closed') this.#id = this.#told = this.#diagnosis = null
  }

  memory(): AlertMemory {
    return {
      state: this.#state,
      id: this.#id,
      told: this.#told,
      diagnosis: this.#diagnosis,
      minute: this.#minute,
      calls: this.#calls,
      window: this.#windows.open,
    }
  }

  /** Once somebody is named, only another who is named takes the place: the end of an incident is no acquittal. */
  #diagnose(sinceMs: number): void {
    const diagnosis = diagnose(
      this.#windows.around(sinceMs, MOST_WINDOWS),
      sharesOf(this.#calls),
      sinceMs,
      this.#told?.module ?? null,
    )
    if (diagnosis.suspects !== null || !this.#diagnosis?.suspects) this.#diagnosis = diagnosis
  }

  #tell(event: AlertEvent, score: number, nowMs: number): void {
    const { features = [], signals = [] } = this.#told ?? {}
    const message: Omit<AlertMessage, 'v' | 'pop' | 'seq'> = {
      kind: 'alert',
      atMs: nowMs,
      id: this.#id ?? '',
      event: event.kind,
      level: event.level,
      sinceMs: event.sinceMs,
      endMs: event.kind === 'closed' ? event.endMs : null,
      score,
      peak: event.peak,
      features: [...features],
      signals: signals.slice(0, MOST_SIGNALS).map((signal) => ({ ...signal })),
      suspects: this.#diagnosis?.suspects ? [...this.#diagnosis.suspects] : null,
      undiagnosed: this.#diagnosis?.undiagnosed ?? null,
    }
    this.#ports.say(message)
  }
}
