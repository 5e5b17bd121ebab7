import { Hono, type MiddlewareHandler } from 'hono'
import { AtlasError } from '../../contract/errors.ts'
import type { Scope } from '../auth/token-file.ts'
import { explain } from '../explain/explain.ts'
import { summarize } from './pop-summary.ts'
import { problem, problemResponse } from './problem.ts'
import type { Services } from './services.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500

/** `/v1/pops…` and `/v1/decisions…`: what PoPs said, and why they did what they did. */
export function popRoutes(services: Services, guard: (scope: Scope) => MiddlewareHandler): Hono {
  const { view, staleMs, wallMs } = services
  const routes = new Hono()

  routes.get('/pops', guard('read'), (context) => {
    const nowMs = wallMs()
    return context.json({
      nowMs,
      nats: services.link(),
      pops: view.pops().map((pop) => summarize(pop, nowMs, staleMs)),
    })
  })

  routes.get('/pops/:pop', guard('read'), (context) => {
    const pop = view.pop(context.req.param('pop'))
    if (!pop) return unknown('PoP', context.req.param('pop'), 'GET /v1/pops lists those that were heard of')
    return context.json({ ...summarize(pop, wallMs(), staleMs), seconds: pop.seconds, minutes: pop.minutes })
  })

  routes.get('/decisions', guard('read'), (context) => {
    const limit = limitOf(context.req.query('limit'))
    return context.json({ decisions: view.decisions(limit, context.req.query('pop')) })
  })

  routes.get('/decisions/:id', guard('read'), (context) => {
    const id = context.req.param('id')
    const pop = context.req.query('pop')
    const decision = id === 'last' ? view.decisions(1, pop)[0] : view.decision(id, pop)
    if (!decision && id === 'last')
      return problemResponse(
        problem(
          404,
          'not-found',
          'There is no decision yet',
          'nothing has called for a change of mode so far',
        ),
      )
    if (!decision) return unknown('decision', id, 'GET /v1/decisions lists the newest')
    return context.json({ decision, explanation: explain(decision) })
  })

  return routes
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new AtlasError(
    'message/invalid',
    `limit must be a whole number from 1 to ${MAX_LIMIT}, but is ${JSON.stringify(text)}`,
  )
}

function unknown(what: string, name: string, hint: string): Response {
  const detail = `no ${what} ${JSON.stringify(name.slice(0, 80))} is known; ${hint}`
  return problemResponse(problem(404, 'not-found', `There is no such ${what}`, detail))
}
