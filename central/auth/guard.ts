import type { Context, MiddlewareHandler } from 'hono'
import { problem, problemResponse } from '../server/problem.ts'
import type { FailureLimit } from './failure-limit.ts'
import { allows, findToken, type Scope, type TokenFile } from './token-file.ts'

export interface GuardOptions {
  readonly tokens: () => TokenFile
  /** Reads need no token, on a loopback host. */
  readonly openRead: boolean
  readonly limit: FailureLimit
  readonly wallMs: () => number
  readonly addressOf: (context: Context) => string
  readonly onFailure: () => void
}

declare module 'hono' {
  interface ContextVariableMap {
    /** Name of the token a request came with; null for an open read. */
    caller: string | null
  }
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{1,256}=*)$/i
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i

/**
 * Returns a guard factory: `guard('push')` lets a request pass whose bearer token has the scope. A right token always
 * passes, so that somebody else's failures behind one address lock nobody out; wrong ones are answered 429 beyond the
 * limit. Open reads ask for a loopback Host header, which a page of another site (DNS rebinding) cannot send.
 */
export function createGuard(options: GuardOptions): (scope: Scope) => MiddlewareHandler {
  return (scope) =>
    async function guard(context, next) {
      const header = context.req.header('authorization')
      if (header === undefined && scope === 'read' && options.openRead) {
        if (!LOCAL_HOST.test(context.req.header('host') ?? '')) {
          return refuse(
            403,
            'auth/denied',
            'reads without a token are for localhost only; send a bearer token',
          )
        }
        context.set('caller', null)
        return next()
      }
      if (header === undefined)
        return refuse(401, 'auth/missing', `send "Authorization: Bearer …" of a token with scope "${scope}"`)
      const token = BEARER.exec(header)?.[1]
      const entry = token === undefined ? null : findToken(options.tokens(), token)
      if (entry === null) return failed(options, context)
      if (!allows(entry, scope)) {
        return refuse(
          403,
          'auth/denied',
          `token "${entry.name}" has ${entry.scopes.join(', ')}; this needs "${scope}"`,
        )
      }
      context.set('caller', entry.name)
      return next()
    }
}

function failed(options: GuardOptions, context: Context): Response {
  options.onFailure()
  const waitMs = options.limit.fail(options.addressOf(context), options.wallMs())
  if (waitMs === 0) return refuse(401, 'auth/denied', 'the bearer token is not known here')
  const seconds = String(Math.ceil(waitMs / 1000))
  return refuse(429, 'auth/denied', `too many failed attempts; wait ${seconds} s`, { 'retry-after': seconds })
}

const TITLES = {
  401: 'A valid token is needed',
  403: 'Not allowed',
  429: 'Too many failed attempts',
} as const

function refuse(
  status: 401 | 403 | 429,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="atlas"' } : {}
  return problemResponse(problem(status, code, TITLES[status], detail), { ...challenge, ...headers })
}
