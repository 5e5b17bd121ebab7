import { Hono, type MiddlewareHandler } from 'hono'
import { AtlasError } from '../../contract/errors.ts'
import type { Scope } from '../auth/token-file.ts'
import { pageRoutes } from '../page/page-routes.ts'
import { alertRoutes } from './alert-routes.ts'
import { healthRoutes } from './health-routes.ts'
import { modelRoutes } from './model-routes.ts'
import { policyRoutes } from './policy-routes.ts'
import { popRoutes } from './pop-routes.ts'
import { PreconditionRequired } from './precondition.ts'
import { problem, problemOf, problemResponse } from './problem.ts'
import type { Services } from './services.ts'
import { streamRoute } from './stream-route.ts'
import { trainingRoutes } from './training-routes.ts'

export interface AppOptions {
  readonly services: Services
  readonly guard: (scope: Scope) => MiddlewareHandler
  /** A bug showed: something was thrown that is no AtlasError. */
  readonly onBug: (thrown: unknown, path: string) => void
}

/** Answers that go out before the body is read: the connection cannot carry another request, and says so. */
const REFUSED_UNREAD = new Set([401, 403, 413, 429])

/** Central's whole HTTP surface, without a listener. */
export function createApp({ services, guard, onBug }: AppOptions): Hono {
  const app = new Hono()

  app.use(async function securityHeaders(context, next) {
    await next()
    context.res.headers.set('x-content-type-options', 'nosniff')
    context.res.headers.set('referrer-policy', 'no-referrer')
    if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store')
  })

  app.use(async function closeAfterUnreadBody(context, next) {
    await next()
    if (['PUT', 'POST'].includes(context.req.method) && REFUSED_UNREAD.has(context.res.status))
      context.res.headers.set('connection', 'close')
  })

  app.route('/', healthRoutes(services, guard))
  app.route('/', pageRoutes())
  app.route('/v1/policies', policyRoutes(services, guard))
  app.route('/v1/models', trainingRoutes(services, guard))
  app.route('/v1/models', modelRoutes(services, guard))
  app.route('/v1/alerts', alertRoutes(services, guard))
  app.route('/v1', popRoutes(services, guard))
  app.route('/v1', streamRoute(services, guard))

  app.notFound((context) =>
    problemResponse(
      problem(
        404,
        'not-found',
        'There is nothing here',
        `no route for ${context.req.method} ${context.req.path}`,
      ),
    ),
  )

  app.onError((thrown, context) => {
    if (context.req.method === 'PUT') services.counters.pushesRefused += 1
    if (thrown instanceof PreconditionRequired)
      return problemResponse(problem(428, 'policy/conflict', 'If-Match is needed', thrown.message))
    if (!(thrown instanceof AtlasError)) onBug(thrown, context.req.path)
    const retry =
      thrown instanceof AtlasError && thrown.code === 'sync/unavailable' ? { 'retry-after': '2' } : {}
    return problemResponse(problemOf(thrown), retry)
  })

  return app
}
