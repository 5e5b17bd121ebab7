import type { Metrics } from '../../contract/ports.ts'
import { DEADLINE_HEADER, type Exchange, type Handler, SHED, type Step } from './exchange.ts'
import { problemResponse } from './problem.ts'

/** One timer for the deadlines of many requests. */
export interface SharedTimer<T> {
  /**
   * Calls `wake` once, unless the deadline is dropped before: true at the deadline, false when it gives the deadline
   * back. Null when it does not take it at all.
   */
  keep(atMs: number, wake: (expired: boolean) => void): T | null
  drop(kept: T): void
}

export interface DeadlineOptions<T> {
  readonly shadow: boolean
  readonly metrics: Metrics
  readonly wallMs: () => number
  readonly keeper: SharedTimer<T>
}

/**
 * Answers 504 when the origin has sent nothing by the module's timeout, or by the smaller remaining time that the
 * caller passed in `atlas-deadline-ms`. It ends with the response's head: a body that streams is never cut.
 * In shadow mode it counts, and waits on.
 */
export function deadline<T>({ shadow, metrics, wallMs, keeper }: DeadlineOptions<T>): Step {
  return function deadline(exchange: Exchange, next: Handler): Promise<Response> {
    const budgetMs = Math.min(exchange.module.timeoutMs, incomingMs(exchange))
    if (!shadow) exchange.deadlineMs = budgetMs
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      let kept: T | null = null
      const expire = () => {
        metrics.count('atlas_deadline_total', 1, {
          module: exchange.module.name,
          mode: shadow ? 'shadow' : 'on',
        })
        if (shadow) {
          exchange.would = 'deadline'
          return
        }
        exchange.flags |= SHED
        resolve(timedOut(budgetMs))
      }
      const atMs = exchange.startMs + budgetMs
      // The keeper wakes in another request's context; what follows the promise runs in this one's.
      const woken = new Promise<boolean>((wake) => {
        kept = keeper.keep(atMs, wake)
      })
      if (kept === null) timer = setTimeout(expire, budgetMs)
      else {
        woken.then((expired) => {
          if (expired) expire()
          else timer = setTimeout(expire, Math.max(0, atMs - wallMs()))
        })
      }
      next(exchange).then((response) => {
        if (kept !== null) keeper.drop(kept)
        if (timer !== undefined) clearTimeout(timer)
        resolve(response)
      }, reject)
    })
  }
}

/** What the caller has left, at least 1 ms; infinite when it says nothing that can be read. */
function incomingMs({ request }: Exchange): number {
  const header = request.headers.get(DEADLINE_HEADER)
  if (header === null || !/^\d{1,9}$/.test(header)) return Number.POSITIVE_INFINITY
  return Math.max(1, Number(header))
}

function timedOut(budgetMs: number): Response {
  return problemResponse({
    status: 504,
    title: 'Gateway Timeout',
    detail: `The server did not begin to answer within ${budgetMs} ms.`,
  })
}
