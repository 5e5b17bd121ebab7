/** A trace the request belongs to: W3C Trace Context (https://www.w3.org/TR/trace-context/, §3.2). */
export interface TraceParent {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hex digits, not all zero: the caller's span. */
  readonly spanId: string
  /** Two hex digits. */
  readonly flags: string
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

/**
 * Reads a `traceparent` header; null when it is absent or not valid, and then `tracestate` does not count either.
 * A version above 00 is read by the fields of 00, as §3.2.4 asks; version ff and all-zero ids are invalid.
 */
export function parseTraceparent(header: string | null): TraceParent | null {
  if (header === null || header.length < 55 || header.length > 512) return null
  const match = FORM.exec(header)
  if (match === null) return null
  const [, version, traceId = '', spanId = '', flags = '00', more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return null
  if (traceId === NO_TRACE || spanId === NO_SPAN) return null
  return { traceId, spanId, flags }
}

/** Writes version 00. */
export function formatTraceparent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags}`
}
