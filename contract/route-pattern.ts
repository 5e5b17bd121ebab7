import { didYouMean } from './did-you-mean.ts'
import { AtlasError } from './errors.ts'

/** One segment of a path pattern. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'rest' }

export interface RoutePattern {
  /** Empty: every method. */
  readonly methods: readonly string[]
  readonly segments: readonly Segment[]
}

/** Methods a route may name: RFC 9110, PATCH, QUERY, WebDAV and PURGE; CONNECT and TRACE never reach a Worker. */
const METHODS: readonly string[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'PURGE', 'REPORT', 'SEARCH'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK'],
]
const PARAM = /^:[A-Za-z_][A-Za-z0-9_]*$/
const LITERAL = /^[A-Za-z0-9._~!$&'()+,;=@%-]+$/

/**
 * Parses a route: `[METHOD[,METHOD…] ]/path`. The path is the part of URLPattern's syntax that a trie can match in one
 * pass: literal segments, `:name` for one segment, and a final `*` for the rest. A rest also matches nothing:
 * `/cart/*` matches `/cart`, `/cart/` and `/cart/7/items`.
 * @throws AtlasError `policy/invalid` that says which part is wrong
 */
export function parseRoute(route: string): RoutePattern {
  const fail = (message: string): never => {
    throw new AtlasError('policy/invalid', `route ${JSON.stringify(route)}: ${message}`)
  }
  const space = route.indexOf(' ')
  const methods = space < 0 ? [] : route.slice(0, space).split(',')
  const path = space < 0 ? route : route.slice(space + 1)
  for (const method of methods) {
    if (!METHODS.includes(method))
      fail(
        `${JSON.stringify(method)} is not a method${didYouMean(method, METHODS) || '; write it like "GET,POST /path"'}`,
      )
  }
  if (!path.startsWith('/')) fail('the path must begin with "/"')
  const parts = path === '/' ? [] : path.slice(1).split('/')
  const segments = parts.map((part, index): Segment => {
    if (part === '*') {
      if (index !== parts.length - 1) fail('"*" may only stand as the last segment')
      return { kind: 'rest' }
    }
    if (PARAM.test(part)) return { kind: 'param', name: part.slice(1) }
    if (!LITERAL.test(part)) {
      fail(
        `segment ${JSON.stringify(part)} is not a literal, ":name" or a final "*" (no regular expressions, groups or "?")`,
      )
    }
    return { kind: 'literal', text: part }
  })
  return { methods, segments }
}
