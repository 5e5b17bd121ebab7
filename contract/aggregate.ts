/**
 * Telemetry of one module over one bucket of time, as an isolate reports it to its PoP object and as PoP objects merge it.
 * Counts are of real requests (multiply by the time scale's weight for the trace's).
 */
export interface ModuleAggregate {
  /** Index of the module in the route table's list; `UNROUTED` for requests that matched no module. */
  readonly module: number
  readonly requests: number
  readonly errors4xx: number
  /** Answers of 5xx, ATLAS's own 502 and 504 among them. */
  readonly errors5xx: number
  /** Those of the 502s whose origin could not be reached at all: no connection, or it broke before the status line. */
  readonly unreachable: number
  /** Answered by ATLAS itself: limited or past its deadline. */
  readonly shed: number
  readonly bytesOut: number
  /** Those of `shed` that a limit refused. They are no load: nobody had to answer them. Left out by isolates of earlier builds. */
  readonly limited?: number
  /** Latency to first byte of what was not refused by a limit; DDSketch, encoded by core-wasm/sketch. */
  readonly latency: Uint8Array
}

/** Requests that one module's service made to another module through the edge, and no limit refused. They are among the callee's requests. */
export interface CallCount {
  /** Index of the module, 0..30. */
  readonly caller: number
  /** Index of the module that was called, or `UNROUTED`. */
  readonly callee: number
  readonly requests: number
}

/** One bucket of trace time. */
export interface Aggregate {
  readonly bucketStartMs: number
  readonly modules: readonly ModuleAggregate[]
  /** Each pair at most once; left out when every request came from outside. */
  readonly calls?: readonly CallCount[]
}

/** Module index of requests that no module's routes match. */
export const UNROUTED = 31

/** In the place of a caller: the request came from outside, or its sender does not say which module it is. */
export const OUTSIDE = 31

/** Requests that somebody had to answer: all but those that a limit refused. */
export function loadOf({ requests, limited = 0 }: Pick<ModuleAggregate, 'requests' | 'limited'>): number {
  return requests - limited
}
