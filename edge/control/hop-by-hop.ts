/** Headers that end at each hop (RFC 9110 §7.6.1), beside those that the runtime itself writes anew. */
const ALWAYS = [
  'proxy-authorization',
  'proxy-authenticate',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
]

/**
 * Headers that a `Connection` header may not take away: the message would mean something else without them, or a client
 * could hide what a proxy before us said of it.
 */
const KEPT = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'authorization',
  'upgrade',
  'traceparent',
  'tracestate',
  'atlas-deadline-ms',
  'cookie',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'cf-connecting-ip',
])

/** True for the `Connection` headers nearly every message has: none, or one that names no other header. */
export function namesNothing(connection: string | null): boolean {
  return connection === null || connection === 'keep-alive' || connection === 'close'
}

/** The headers that must not be passed on, given the message's `Connection` header; lower case. */
export function hopByHop(connection: string | null): readonly string[] {
  if (connection === null || namesNothing(connection)) return ALWAYS
  const named = connection
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !KEPT.has(name))
  return [...ALWAYS, ...named]
}
