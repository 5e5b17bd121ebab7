import type { Mode } from '../../contract/coupling.ts'
import type { Forecast, ForecasterState, Quantiles } from '../../contract/messages.ts'
import { BUNDLED, BUNDLED_LINEUP, type Lineup, type Release, rivalOf } from '../../contract/model/release.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import type { ModelsState } from '../../contract/models-state.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import type { ForecastAnswer, ForecastStub } from '../control/stubs.ts'
import type { Sight } from './decision-desk.ts'
import { ForecastLedger } from './forecast-ledger.ts'
import type { MinuteRecord } from './minute-book.ts'
import type { PairMemory, PopMemory } from './pop-memory.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** A rival's forecast older than this says nothing of now. */
const STALE_MS = 120_000

/**
 * Has the models of the release in force forecast side by side: the champion's answer is passed on, the rival's is only
 * kept, and both are measured when their minutes come.
 */
export class ModelWatch {
  readonly #forecaster: Pick<ForecastStub, 'forecast'>
  readonly #memory: PopMemory
  readonly #ledger: ForecastLedger
  #name = ''
  #rivalName = ''
  #latest: Forecast | null = null
  #answering = BUNDLED
  #fault: string | null = null
  #rivalFault: string | null = null
  #adapted: { readonly hash: string | null; readonly fault: string | null } | null = null

  constructor(sql: SqlStorage, memory: PopMemory, forecaster: Pick<ForecastStub, 'forecast'>) {
    this.#ledger = new ForecastLedger(sql)
    this.#memory = memory
    this.#forecaster = forecaster
  }

  get release(): Release | null {
    return this.#memory.release
  }

  get lineup(): Lineup {
    const { release } = this
    const adapted = this.#memory.adaptations?.entries ?? []
    if (release === null) return { ...BUNDLED_LINEUP, adapted }
    return { champion: release.champion, rival: rivalOf(release)?.ref ?? null, adapted }
  }

  /** Why the wanted champion does not answer; null when it does. */
  get fault(): string | null {
    return this.#fault
  }

  get status(): PopStatus['models'] {
    const error = this.#memory.releaseError ?? this.#fault
    const { champion, rival } = this.lineup
    return { release: this.release?.version ?? 0, champion, rival, error, adapted: this.#adaptedTold() }
  }

  /** Asks both; the answer is the champion's. */
  async forecast(histories: readonly SeriesHistory[]): Promise<ForecastAnswer> {
    const answer = await this.#forecaster.forecast(histories, this.lineup)
    if (!answer.ok) return answer
    this.#name = answer.model
    this.#answering = answer.ref ?? BUNDLED
    this.#fault = answer.fault ?? null
    this.#adapted = answer.adapted ?? null
    const [forecast] = answer.forecasts
    if (histories[0]?.name === 'total' && forecast !== undefined) this.#ledger.note(this.#answering, forecast)
    const { rival } = answer
    this.#latest = rival?.forecasts[0] ?? null
    this.#rivalFault = rival?.fault ?? null
    if (rival && this.#latest !== null) {
      this.#rivalName = rival.model
      this.#ledger.note(rival.ref, this.#latest)
    }
    return answer
  }

  /** A minute has come: both are measured by it, and the rules are asked what they would make of the rival's forecast. */
  minuteClosed(
    { minuteStartMs, rps }: Pick<MinuteRecord, 'minuteStartMs' | 'rps'>,
    sight: Sight,
    wouldAskFor: (sight: Sight) => Mode,
  ): void {
    const { champion, rival } = this.lineup
    const endMs = minuteStartMs + MINUTE_MS
    const pair = rival === null ? null : this.#pair(champion, rival)
    const measured = this.#ledger.score(endMs, rps, champion, rival)
    if (pair === null) return
    const state = this.#rivalState(sight.nowMs)
    const modes = state && {
      own: wouldAskFor(sight),
      rival: wouldAskFor({ ...sight, forecaster: state }),
    }
    this.#memory.pair = {
      ...pair,
      sinceMs: pair.sinceMs ?? (measured ? minuteStartMs : null),
      asked: pair.asked + (modes === null ? 0 : 1),
      differed: pair.differed + (modes !== null && modes.own !== modes.rival ? 1 : 0),
      wouldBe: modes?.rival ?? null,
    }
  }

  /** What the champion said, five minutes before, of the minute that ends then; null when it said nothing. */
  expected(endMs: number): Quantiles | null {
    return this.#ledger.expected(this.lineup.champion, endMs)
  }

  /** What the minute's telemetry says of the models. */
  state(nowMs: number): ModelsState {
    const adapted = this.#adaptedTold()
    const { release, lineup } = this
    const rival = release === null ? null : rivalOf(release)
    return {
      release: release?.version ?? 0,
      champion: {
        ref: lineup.champion,
        name: this.#name,
        recent: this.#ledger.alone(lineup.champion, nowMs - DAY_MS),
        baseline: this.#ledger.alone(lineup.champion),
      },
      rival: rival === null ? null : this.#rivalTold(rival, this.#pair(lineup.champion, rival.ref)),
      ...(adapted && { adapted }),
    }
  }

  #adaptedTold(): ModelsState['adapted'] {
    const { adaptations, adaptationError } = this.#memory
    if (adaptations === null && adaptationError === null) return null
    const { hash = null, fault = null } = this.#adapted ?? {}
    return { version: adaptations?.version ?? 0, hash, fault: adaptationError ?? fault }
  }

  /** What the rival says now, as if it were champion; null when it says nothing. */
  #rivalState(nowMs: number): ForecasterState | null {
    if (this.#latest === null || nowMs - this.#latest.madeAtMs > STALE_MS) return null
    return { kind: 'ready', forecast: this.#latest }
  }

  #rivalTold(
    { ref, role }: { ref: string; role: 'challenger' | 'former' },
    { sinceMs, asked, differed, wouldBe, champion }: PairMemory,
  ): ModelsState['rival'] {
    const paired = this.#ledger.paired(ref, champion)
    const [name, fault] = [this.#rivalName, this.#rivalFault]
    return { ref, name, role, sinceMs, paired, fault, asked, differed, wouldBe }
  }

  #pair(champion: string, rival: string): PairMemory {
    const kept = this.#memory.pair
    if (kept !== null && kept.champion === champion && kept.rival === rival) return kept
    this.#ledger.begin(rival, champion)
    const fresh = { champion, rival, sinceMs: null, asked: 0, differed: 0, wouldBe: null }
    this.#memory.pair = fresh
    return fresh
  }
}
