import type { Aggregate } from '../../contract/aggregate.ts'
import type { Forecast } from '../../contract/messages.ts'
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

export type ForecastAnswer =
  | { readonly ok: true; readonly model: string; readonly forecasts: readonly Forecast[] }
  | { readonly ok: false; readonly reason: string }

/** The forecast object's remote interface: one forecast a history, in order. It never throws for a bad model. */
export interface ForecastStub {
  forecast(histories: readonly SeriesHistory[]): Promise<ForecastAnswer>
}
