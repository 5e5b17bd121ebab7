import type { Metrics } from '../../contract/ports.ts'
import { charge, type Gcra, remaining, waitMs } from '../control/gcra.ts'
import type { LimitBook } from '../control/limit-book.ts'
import { type Exchange, type Handler, SHED, type Step } from './exchange.ts'
import { problemResponse } from './problem.ts'

/** A limit of the policy, ready to be enforced. */
export interface ServedLimit {
  readonly name: string
  readonly shadow: boolean
  readonly burst: number
  readonly rps: number
  readonly rate: Gcra
  /** `route`, or the header whose value is the key. */
  readonly key: { readonly kind: 'route' } | { readonly kind: 'header'; readonly name: string }
}

export interface RateLimitOptions {
  /** The limits of each module, by index; a module without limits may be missing. */
  readonly limits: ReadonlyMap<number, readonly ServedLimit[]>
  readonly book: LimitBook
  readonly metrics: Metrics
}

/**
 * Refuses with 429 what exceeds a limit of its module, by GCRA, exact within the isolate. A request that any limit
 * refuses is charged to none; one without the key of a limit (no such header) is not limited by it. A limit in shadow
 * mode is charged and counted, and refuses nothing.
 */
export function rateLimit({ limits, book, metrics }: RateLimitOptions): Step {
  return function rateLimit(exchange: Exchange, next: Handler): Promise<Response> {
    const served = limits.get(exchange.module.index)
    if (served === undefined) return next(exchange)
    const nowMs = exchange.startMs
    book.at(nowMs)
    const charged: { limit: ServedLimit; entry: ReturnType<LimitBook['entry']> }[] = []
    for (const limit of served) {
      const key = keyOf(limit, exchange)
      if (key === null) continue
      const entry = book.entry(limit.name, key)
      const wait = waitMs(limit.rate, entry.tatMs, nowMs)
      if (wait > 0) {
        metrics.count('atlas_limited_total', 1, { limit: limit.name, mode: limit.shadow ? 'shadow' : 'on' })
        if (!limit.shadow) {
          exchange.flags |= SHED
          return Promise.resolve(tooMany(limit, wait, remaining(limit.rate, entry.tatMs, nowMs)))
        }
        exchange.would = `limit:${limit.name}`
        continue
      }
      charged.push({ limit, entry })
    }
    for (const { limit, entry } of charged) {
      entry.tatMs = charge(limit.rate, entry.tatMs, nowMs)
      book.used(entry)
    }
    return next(exchange)
  }
}

function keyOf({ key }: ServedLimit, { request, module }: Exchange): string | null {
  return key.kind === 'route' ? module.name : request.headers.get(key.name) || null
}

/**
 * Fields of draft-ietf-httpapi-ratelimit-headers-10: the quota is the burst, its window the time in which the burst
 * grows back. The problem's type is the one that draft registers.
 */
function tooMany({ name, burst, rps }: ServedLimit, waitMs: number, left: number): Response {
  const retryAfterS = Math.max(1, Math.ceil(waitMs / 1000))
  return problemResponse({
    status: 429,
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too Many Requests',
    detail: `The limit "${name}" is reached; try again in ${retryAfterS} s.`,
    members: { 'violated-policies': [name] },
    headers: {
      'retry-after': String(retryAfterS),
      ratelimit: `"${name}";r=${left};t=${retryAfterS}`,
      'ratelimit-policy': `"${name}";q=${burst};w=${Math.max(1, Math.ceil(burst / rps))}`,
    },
  })
}
