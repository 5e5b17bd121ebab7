import type { Exchange, Handler, Step } from './exchange.ts'

/**
 * Sends a request to its module's target under the coupling vector of the request's own table. In shadow mode it says
 * where it would go, and lets it go to the policy's `origin`.
 */
export function couplingRouter({ shadow }: { readonly shadow: boolean }): Step {
  return function couplingRouter(exchange: Exchange, next: Handler): Promise<Response> {
    if (!shadow) exchange.target = exchange.module.target
    else if (exchange.module.loose) exchange.would = `route:${exchange.module.name}`
    return next(exchange)
  }
}
