import { OUTSIDE, UNROUTED } from '../../contract/aggregate.ts'
import type { Random } from '../../contract/ports.ts'
import { formatTraceparent, parseTraceparent } from '../control/traceparent.ts'
import { ownMember, ownValue, replaceOwn } from '../control/tracestate.ts'
import type { Exchange, Handler, Step } from './exchange.ts'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A new trace is marked as sampled: samplers that follow their parent (the default of OpenTelemetry) then go on as before. */
const NEW_TRACE_FLAGS = '01'

/**
 * W3C Trace Context: continues a valid trace under a span of its own, and replaces one that is missing or not valid. The
 * `tracestate` says which module a request is passed on to; a service that propagates it says so with its own calls
 * which module it is.
 */
export function traceContext({
  random,
  shadow,
  callGraph,
}: {
  readonly random: Random
  /** Looks, and passes on what came. */
  readonly shadow: boolean
  /** Whether to read and to write ATLAS's member of `tracestate`. */
  readonly callGraph: boolean
}): Step {
  return function traceContext(exchange: Exchange, next: Handler): Promise<Response> {
    const { headers } = exchange.request
    const parent = parseTraceparent(headers.get('traceparent'))
    const state = callGraph && parent !== null ? headers.get('tracestate') : null
    if (state !== null) exchange.caller = callerOf(exchange, state)
    if (shadow) {
      if (parent === null) exchange.would = 'trace:new'
      return next(exchange)
    }
    const spanId = word(random) + odd(random)
    if (parent === null) {
      const traceId = word(random) + word(random) + word(random) + odd(random)
      exchange.traceparent = formatTraceparent({ traceId, spanId, flags: NEW_TRACE_FLAGS })
      exchange.tracestate = ''
    } else {
      exchange.traceparent = formatTraceparent({ traceId: parent.traceId, spanId, flags: parent.flags })
    }
    if (callGraph) {
      const { index, name } = exchange.module
      const own = index === UNROUTED ? '' : ownMember(name)
      if (state !== null) exchange.tracestate = replaceOwn(state, own)
      else if (own !== '') exchange.tracestate = own
    }
    return next(exchange)
  }
}

/** Index of the module that an incoming `tracestate` names, when the policy has it. */
function callerOf(exchange: Exchange, tracestate: string): number {
  const name = ownValue(tracestate)
  if (name === null) return OUTSIDE
  const index = exchange.table.policy.modules.findIndex((module) => module.name === name)
  return index < 0 ? OUTSIDE : index
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
