import type { DecisionMessage, ReportedOrigin, SecondMessage } from './messages.ts'
import type { ModelsState } from './models-state.ts'

/** Path below which the edge answers for itself instead of passing on; a bearer token opens it. */
export const STATUS_PATH = '/.atlas/status'

/** Live state of one PoP, as its own edge tells it: works without central ("island"). */
export interface PopStatus {
  readonly pop: string
  /** The last tick; null before the first. Same form as the telemetry. */
  readonly second: Omit<SecondMessage, 'v' | 'pop' | 'seq' | 'kind'> | null
  readonly lastDecision: Omit<DecisionMessage, 'v' | 'pop' | 'seq' | 'kind'> | null
  readonly link: {
    readonly state: 'off' | 'connecting' | 'connected' | 'disconnected'
    readonly error: string | null
    readonly outboxRows: number
    readonly outboxDropped: number
  }
  readonly policyError: string | null
  readonly modelError: string | null
  /** The release of models in force, and why the last one was rejected or its champion does not answer. */
  readonly models: {
    readonly release: number
    readonly champion: string
    readonly rival: string | null
    readonly error: string | null
    /** Regressions of the PoP's own series: their version, the hash of those in use, and why none are; null: given none. */
    readonly adapted?: ModelsState['adapted']
  }
  /** Addresses that report CPU, memory and queues; `modules`: whom the origin behind it answers for. */
  readonly origins?: readonly {
    readonly target: string
    readonly path: string
    readonly modules: readonly string[]
    readonly origin?: ReportedOrigin
    /** Why there is no report; null when there is one. */
    readonly error: string | null
  }[]
  readonly ticks: number
  readonly isolates: number
  /** Requests seen since the PoP object's storage was made, and those ATLAS failed open on. */
  readonly requests: number
  readonly internalErrors: number
  /** Tap records lost to a full ring. */
  readonly tapDropped: number
  /** Parts of isolates' reports that were malformed and left out, since the object started. */
  readonly refusedReports: number
  /** Ticks that failed since the object started, and the last one's reason. */
  readonly tickErrors: number
  readonly tickError: string | null
}
