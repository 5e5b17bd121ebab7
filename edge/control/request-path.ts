/** Where a request goes, from its URL. */
export interface RequestPath {
  /** Path and query, as they are sent on to the target. */
  readonly raw: string
  /** The path that routes are matched against; see `requestPath`. */
  readonly path: string
}

/** What `fetch` would rewrite: dot segments, also percent-encoded (RFC 3986 §5.2.4), backslashes, and a fragment. */
const REWRITTEN = /\/\.|\/%2e|[\\#\t\n\r]/i
const NO_HOST = /[/\\?#@\s]/
const ENCODED = /%[0-9a-f]{2}/gi
const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * The path of a request as the target will read it, so that no spelling of a path gets around its module's routes and
 * limits. Dot segments are removed before anything is matched (they could otherwise leave a target's base path too).
 * For matching alone, percent-encoded unreserved characters are decoded and other escapes upper-cased (RFC 3986
 * §6.2.2); an encoded slash stays part of its segment.
 */
export function requestPath(url: string): RequestPath {
  const start = url.indexOf('/', 8)
  let raw = start < 0 ? '/' : url.slice(start)
  if (start < 0 || REWRITTEN.test(raw)) raw = rewritten(url, raw)
  const query = raw.indexOf('?')
  const path = query < 0 ? raw : raw.slice(0, query)
  return { raw, path: path.includes('%') ? path.replace(ENCODED, canonical) : path }
}

function rewritten(url: string, raw: string): string {
  const parsed = URL.parse(url)
  return parsed === null ? raw : parsed.pathname + parsed.search
}

function canonical(escaped: string): string {
  const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
  return UNRESERVED.test(char) ? char : escaped.toUpperCase()
}

/**
 * Whether a `Host` header can stand in a URL (none can). The runtime makes `request.url` of it, so that a slash in it
 * would begin another path than the one that stands in the request line and that a proxy before us has seen.
 */
export function isHost(host: string | null): boolean {
  return host === null || !NO_HOST.test(host)
}
