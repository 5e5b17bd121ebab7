import type { Random } from '../../contract/ports.ts'
import { formatTraceparent, parseTraceparent } from '../control/traceparent.ts'
import type { Exchange, Handler, Step } from './exchange.ts'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A new trace is marked as sampled: samplers that follow their parent (the default of OpenTelemetry) then go on as before. */
const NEW_TRACE_FLAGS = '01'

/**
 * W3C Trace Context: continues a valid trace under a span of its own, and replaces one that is missing or not valid.
 */
export function traceContext({
  random,
  shadow,
}: {
  readonly random: Random
  /** Looks, and passes on what came. */
  readonly shadow: boolean
}): Step {
  return function traceContext(exchange: Exchange, next: Handler): Promise<Response> {
    const parent = parseTraceparent(exchange.request.headers.get('traceparent'))
    if (shadow) {
      if (parent === null) exchange.would = 'trace:new'
      return next(exchange)
    }
    const spanId = word(random) + odd(random)
    if (parent === null) {
      const traceId = word(random) + word(random) + word(random) + odd(random)
      exchange.traceparent = formatTraceparent({ traceId, spanId, flags: NEW_TRACE_FLAGS })
      exchange.keepTracestate = false
    } else {
      exchange.traceparent = formatTraceparent({ traceId: parent.traceId, spanId, flags: parent.flags })
    }
    return next(exchange)
  }
}

/** 32 random bits as 8 hex digits. */
function word(random: Random): string {
  return hex(random.next() * 0x1_0000_0000)
}

/** 32 bits of which the last is set: an id that ends with it is never all zero. */
function odd(random: Random): string {
  return hex((random.next() * 0x1_0000_0000) | 1)
}

function hex(bits: number): string {
  return `${HEX[(bits >>> 24) & 255]}${HEX[(bits >>> 16) & 255]}${HEX[(bits >>> 8) & 255]}${HEX[bits & 255]}`
}
