import { Hono, type MiddlewareHandler } from 'hono'
import { policyJsonSchema } from '../../contract/policy.ts'
import type { Scope } from '../auth/token-file.ts'
import { metricsText } from './metrics.ts'
import type { Services } from './services.ts'

/** `/healthz`, `/readyz`, `/metrics` and the policy's JSON Schema. */
export function healthRoutes(services: Services, guard: (scope: Scope) => MiddlewareHandler): Hono {
  const routes = new Hono()
  const schema = JSON.stringify(policyJsonSchema(), null, 2)

  routes.get('/healthz', (context) => context.json(health(services)))

  routes.get('/readyz', (context) => {
    const state = health(services)
    return context.json(state, state.status === 'ok' ? 200 : 503)
  })

  routes.get('/metrics', guard('read'), (context) =>
    context.text(metricsText(services), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )

  routes.get('/v1/schemas/policy', (context) =>
    context.body(schema, 200, { 'content-type': 'application/schema+json' }),
  )

  return routes
}

/** Central serves while NATS is away, so that is `degraded`, not dead. */
function health(services: Services) {
  const nats = services.link()
  const nowMs = services.wallMs()
  const pops = services.view.pops()
  return {
    status: nats.state === 'connected' ? ('ok' as const) : ('degraded' as const),
    nats,
    pops: pops.length,
    stalePops: pops.filter((pop) => nowMs - pop.lastSeenMs > services.staleMs).length,
  }
}
