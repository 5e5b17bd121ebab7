import type { Background } from '../pipeline/isolate.ts'
import { type AtlasOptions, createEdge } from './edge.ts'

type Fetch<E extends object, C extends Background> = (
  request: Request,
  env: E,
  context: C,
) => Response | Promise<Response>

/**
 * Puts ATLAS in front of a fetch handler: `export default withAtlas({ fetch: … })`. The handler is the target `self`,
 * and takes every route unless a policy says otherwise. What it throws becomes a 502 with an incident id.
 */
export function withAtlas<E extends object = object, C extends Background = ExecutionContext>(
  handler: Fetch<E, C> | { readonly fetch: Fetch<E, C> },
  options: AtlasOptions = {},
): { fetch(request: Request, env: E, context: C): Promise<Response> } {
  const edge = createEdge(options, 'self')
  return {
    fetch(request, env, context) {
      const self = (passed: Request) =>
        typeof handler === 'function' ? handler(passed, env, context) : handler.fetch(passed, env, context)
      return edge(request, env, context, self)
    },
  }
}
