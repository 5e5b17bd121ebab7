import { OUTSIDE } from '../../contract/aggregate.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { Target } from '../control/target.ts'

/** Bits of `Exchange.flags`: the tap's. */
export { FLAG_SHED as SHED, FLAG_UNREACHABLE as UNREACHABLE } from '../../core-wasm/tap-ring.ts'

/** Remaining time of a call, milliseconds, as it is passed from hop to hop. */
export const DEADLINE_HEADER = 'atlas-deadline-ms'

/** The handler that ATLAS wraps; what the target `self` means. */
export type Self = (request: Request) => Response | Promise<Response>

/** A module as the route table has it, ready to serve. */
export interface ServedModule {
  /** Index in the policy's list, or `UNROUTED`. */
  readonly index: number
  readonly name: string
  /** Where its requests go under the table's coupling vector. */
  readonly target: Target
  readonly loose: boolean
  /** Time until the first byte. */
  readonly timeoutMs: number
}

/**
 * One request on its way through the pipeline. The steps say here what is to happen to it; only the origin step acts
 * on it, so that until then the request is untouched and can still be passed on as it came.
 */
export class Exchange {
  readonly request: Request
  /** Path and query as they are sent on. */
  readonly raw: string
  readonly path: string
  readonly env: Readonly<Record<string, unknown>>
  readonly self: Self | null
  /** The one table this request is served from. */
  readonly table: RouteTable
  readonly module: ServedModule
  /** Wall time of arrival. */
  readonly startMs: number

  target: Target
  /** Written to the origin when not empty; replaces what came. */
  traceparent = ''
  /** Written to the origin in place of what came; empty: none is. Null: as it came. */
  tracestate: string | null = null
  /** Index of the module whose service sent this request, as far as it says so; `OUTSIDE` otherwise. */
  caller: number = OUTSIDE
  /** Remaining milliseconds, told to the origin; 0 = no deadline. */
  deadlineMs = 0
  flags = 0
  /** What a step in shadow mode would have answered. */
  would = ''
  /** The origin's answer, once it was asked. It is asked once, and never rejects. */
  answer: Promise<Response> | null = null
  originStartMs = 0
  originMs = -1

  constructor(
    request: Request,
    at: { readonly raw: string; readonly path: string },
    env: Readonly<Record<string, unknown>>,
    self: Self | null,
    table: RouteTable,
    module: ServedModule,
    origin: Target,
    startMs: number,
  ) {
    this.request = request
    this.raw = at.raw
    this.path = at.path
    this.env = env
    this.self = self
    this.table = table
    this.module = module
    this.target = origin
    this.startMs = startMs
  }
}

export type Handler = (exchange: Exchange) => Promise<Response>

/** One step of the pipeline: answers itself, or hands on to `next` and may look at what comes back. */
export type Step = (exchange: Exchange, next: Handler) => Promise<Response>
