import { Hono, type MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { isToken } from '../../contract/subjects.ts'
import type { Scope } from '../auth/token-file.ts'
import { explainAlert } from '../explain/explain-alert.ts'
import { problem, problemResponse } from './problem.ts'
import { limitQuery, queryOf } from './query.ts'
import type { Services } from './services.ts'

const pop = z
  .string()
  .refine(isToken, { error: 'must be the name of a PoP: 1 to 64 of letters, digits, "_" and "-"' })
const listQuery = z.strictObject({
  pop: pop.optional(),
  open: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
  limit: limitQuery,
})
const oneQuery = z.strictObject({ pop: pop.optional() })

/** `/v1/alerts…`: what left its usual course, the newest first, and each in words. */
export function alertRoutes(
  { view }: Pick<Services, 'view'>,
  guard: (scope: Scope) => MiddlewareHandler,
): Hono {
  const routes = new Hono()

  routes.get('/', guard('read'), (context) => {
    const { pop, open, limit } = queryOf(context, listQuery)
    const states = open === undefined ? {} : { states: open === 'true' ? OPEN : OVER }
    return context.json({ alerts: view.alerts(limit, { ...(pop !== undefined && { pop }), ...states }) })
  })

  routes.get('/:id', guard('read'), (context) => {
    const { pop } = queryOf(context, oneQuery)
    const id = context.req.param('id')
    const alert = view.alert(id, pop)
    if (alert) return context.json({ alert, explanation: explainAlert(alert) })
    const detail = `no alert ${JSON.stringify(id.slice(0, 80))} is known; GET /v1/alerts lists the newest`
    return problemResponse(problem(404, 'not-found', 'There is no such alert', detail))
  })

  return routes
}

const OPEN = ['open'] as const
const OVER = ['closed', 'lost'] as const
