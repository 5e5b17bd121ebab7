/** Every way ATLAS refuses something. A code is stable: it appears in responses, acknowledgements and logs. */
export type ErrorCode =
  | 'policy/syntax'
  | 'policy/invalid'
  | 'policy/unsigned'
  | 'policy/stale'
  | 'policy/conflict'
  | 'policy/not-found'
  | 'model/unreadable'
  | 'model/shape'
  | 'model/syntax'
  | 'model/unsigned'
  | 'model/stale'
  | 'model/slow'
  | 'model/not-found'
  | 'model/conflict'
  | 'model/not-proven'
  | 'model/training'
  | 'message/invalid'
  | 'config/invalid'
  | 'auth/missing'
  | 'auth/denied'
  | 'sync/unavailable'
  | 'setup/port-taken'
  | 'setup/missing-tool'
  | 'setup/failed'

/** One fault in a document: where it is (`coupling.hybrid.0`) and how to mend it. */
export interface Fault {
  readonly path: string
  readonly message: string
}

/**
 * The one error base. A code says what kind of fault it is; `faults` lists each place, where there are places.
 * Anything thrown that is not an AtlasError is a bug, not a user's mistake.
 */
export class AtlasError extends Error {
  override readonly name = 'AtlasError'
  readonly code: ErrorCode
  readonly faults: readonly Fault[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { faults?: readonly Fault[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.faults = options.faults ?? []
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
