import type { Handler, Step } from '../middleware/exchange.ts'

/**
 * Chains steps before an origin, the first one outermost. It fails open: a step that throws is told to `onFault` and
 * left out, and the origin is asked once in any case, so that a fault of ATLAS never turns a good request into a bad one.
 */
export function compose(
  steps: readonly Step[],
  origin: Handler,
  onFault: (step: string, thrown: unknown) => void,
): Handler {
  const once: Handler = (exchange) => {
    exchange.answer ??= origin(exchange)
    return exchange.answer
  }
  const chain = steps.reduceRight<Handler>((next, step) => {
    return (exchange) => {
      try {
        return step(exchange, next)
      } catch (thrown) {
        onFault(step.name, thrown)
        return exchange.answer ?? next(exchange)
      }
    }
  }, once)
  return async (exchange) => {
    try {
      return await chain(exchange)
    } catch (thrown) {
      onFault('pipeline', thrown)
      return once(exchange)
    }
  }
}
