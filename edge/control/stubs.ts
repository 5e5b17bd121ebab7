import type { Aggregate } from '../../contract/aggregate.ts'
import type { ErrorCode } from '../../contract/errors.ts'
import type { Forecast } from '../../contract/messages.ts'
import type { AdaptationEntry } from '../../contract/model/adaptation.ts'
import type { Lineup } from '../../contract/model/release.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import type { RouteTable } from './route-table.ts'

/** Requests that one key of one limit was charged. */
export interface LimitUse {
  readonly limit: string
  /** Keyed hash of the client; never the address itself. */
  readonly key: string
  readonly cost: number
}

/** What an isolate tells its PoP object, at most once a flush interval. */
export interface FlushReport {
  readonly pop: string
  /** Random name of the isolate, new with each start. */
  readonly isolate: string
  readonly tableVersion: number
  readonly aggregates: readonly Aggregate[]
  readonly limitUse: readonly LimitUse[]
  /** Requests ATLAS failed open on, and tap records lost to a full ring, since the last flush. */
  readonly internalErrors: number
  readonly tapDropped: number
}

export interface FlushAnswer {
  /** The newest table, or null when the isolate has it already. */
  readonly table: RouteTable | null
  /** What other isolates charged the keys this isolate reported lately. */
  readonly othersUse: readonly LimitUse[]
}

/** The PoP object's remote interface. */
export interface PopStub {
  flush(report: FlushReport): Promise<FlushAnswer>
  status(pop: string): Promise<PopStatus>
}

/** What the model beside the champion says; `fault` is why it says nothing. */
export interface RivalAnswer {
  readonly ref: string
  readonly model: string
  readonly forecasts: readonly Forecast[]
  readonly fault: string | null
}

export type ForecastAnswer =
  | {
      readonly ok: true
      readonly model: string
      readonly forecasts: readonly Forecast[]
      /** The model that answered, and why it is not the wanted one; left out: the bundled one, as wanted. */
      readonly ref?: string
      readonly fault?: string | null
      readonly rival?: RivalAnswer | null
      /** Regressions of the first history beside the model that answered, or why there are none; null: none were given. */
      readonly adapted?: { readonly hash: string | null; readonly fault: string | null } | null
    }
  | { readonly ok: false; readonly reason: string }

/** `model`: name of the model, or of the series whose regressions were taken. */
export type OfferAnswer =
  | { readonly ok: true; readonly model: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly reason: string }

/** The forecast object's remote interface. It never throws for a bad model. */
export interface ForecastStub {
  /** One forecast a history, in order. */
  forecast(histories: readonly SeriesHistory[], lineup?: Lineup): Promise<ForecastAnswer>
  /** Checks a model package and keeps it. */
  offer(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<OfferAnswer>
  /** Checks regressions of one of a PoP's series and keeps them. */
  offerAdaptation(pop: string, entry: AdaptationEntry, bytes: Uint8Array<ArrayBuffer>): Promise<OfferAnswer>
  /** Whether it has this model, or these regressions. */
  keeps(ref: string): Promise<boolean>
}
