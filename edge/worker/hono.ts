import type { MiddlewareHandler } from 'hono'
import { type AtlasOptions, createEdge } from './edge.ts'

/**
 * ATLAS as Hono middleware: `app.use(atlas())`. The routes that follow it are the target `self`, and take every request
 * unless a policy says otherwise. Keep it first, so that it sees what the client gets.
 */
export function atlas(options: AtlasOptions = {}): MiddlewareHandler {
  const edge = createEdge(options, 'self')
  return async function atlas(context, next) {
    const self = async (request: Request) => {
      context.req.raw = request
      await next()
      return context.res
    }
    const response = await edge(context.req.raw, context.env ?? {}, context.executionCtx, self)
    if (response === context.res) return
    context.res = undefined
    context.res = response
  }
}
