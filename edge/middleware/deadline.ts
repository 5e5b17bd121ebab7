import type { Metrics } from '../../contract/ports.ts'
import { type Exchange, type Handler, SHED, type Step } from './exchange.ts'
import { problemResponse } from './problem.ts'

/** Remaining time of a call, milliseconds, as it is passed from hop to hop. */
export const DEADLINE_HEADER = 'atlas-deadline-ms'

/**
 * Answers 504 when the origin has sent nothing by the module's timeout, or by the smaller remaining time that the
 * caller passed in `atlas-deadline-ms`. It ends with the response's head: a body that streams is never cut.
 * In shadow mode it counts, and waits on.
 */
export function deadline({ shadow, metrics }: { readonly shadow: boolean; readonly metrics: Metrics }): Step {
  return function deadline(exchange: Exchange, next: Handler): Promise<Response> {
    const budgetMs = Math.min(exchange.module.timeoutMs, incoming(exchange))
    const module = exchange.module.name
    if (shadow) {
      const timer = setTimeout(() => {
        exchange.would = 'deadline'
        metrics.count('atlas_deadline_total', 1, { module, mode: 'shadow' })
      }, budgetMs)
      return next(exchange).then((response) => {
        clearTimeout(timer)
        return response
      })
    }
    exchange.deadlineMs = budgetMs
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        exchange.flags |= SHED
        metrics.count('atlas_deadline_total', 1, { module, mode: 'on' })
        resolve(timedOut(budgetMs))
      }, budgetMs)
      next(exchange).then((response) => {
        clearTimeout(timer)
        resolve(response)
      }, reject)
    })
  }
}

/** What the caller has left, at least 1 ms; infinite when it says nothing that can be read. */
function incoming({ request }: Exchange): number {
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
