import { messageOf } from '../../contract/errors.ts'
import { type Random, randomName } from '../../contract/ports.ts'
import { hopByHop, namesNothing } from '../control/hop-by-hop.ts'
import { bindingOf, type Fetcher } from '../control/target.ts'
import { DEADLINE_HEADER, type Exchange, type Handler, UNREACHABLE } from './exchange.ts'
import { problemResponse } from './problem.ts'
import { withHeaders } from './response-head.ts'

export interface OriginOptions {
  readonly random: Random
  readonly wallMs: () => number
  /** Told of each request that got no answer, with the incident id the client sees. */
  readonly onUnreachable: (incident: string, exchange: Exchange, detail: string) => void
}

/**
 * Asks the exchange's target and answers what it answers: bodies stream both ways, redirects, upgrades and errors pass
 * unchanged, hop-by-hop headers do not. A target that cannot be reached, or breaks before its status line, is a 502
 * with an incident id. Never rejects.
 */
export function origin({ random, wallMs, onUnreachable }: OriginOptions): Handler {
  return async function origin(exchange: Exchange): Promise<Response> {
    exchange.originStartMs = wallMs()
    try {
      const response = await ask(exchange)
      return endToEnd(response)
    } catch (thrown) {
      exchange.flags |= UNREACHABLE
      const incident = randomName(random)
      onUnreachable(incident, exchange, messageOf(thrown))
      return problemResponse({
        status: 502,
        title: 'Bad Gateway',
        detail: 'The server behind this address could not be reached, or broke off before it answered.',
        members: { incident },
      })
    } finally {
      exchange.originMs = wallMs() - exchange.originStartMs
    }
  }
}

function ask(exchange: Exchange): Response | Promise<Response> {
  const { request, target, self } = exchange
  const headers = forwarded(exchange)
  const init: RequestInit = { method: request.method, headers, body: request.body, redirect: 'manual' }
  if (target.kind === 'url') return send(fetch, target.prefix + exchange.raw, request, init)
  if (target.kind === 'binding') {
    const binding = bindingOf(exchange.env, target.name)
    const via: Fetcher['fetch'] = (input, init) => binding.fetch(input, init)
    return send(via, request.url, request, request.cf === undefined ? init : { ...init, cf: request.cf })
  }
  if (self === null) throw new Error('target "self", but this Worker wraps no handler')
  return self(new Request(request, { headers }))
}

/**
 * A GET or HEAD may come with a body, if only one of length 0. `fetch` takes none for them, save that of another request;
 * workerd then passes it on when its length is known.
 */
function send(via: Fetcher['fetch'], url: string, request: Request, init: RequestInit): Promise<Response> {
  if (init.body === null || (request.method !== 'GET' && request.method !== 'HEAD')) return via(url, init)
  const { method: _method, body: _body, ...head } = init
  return via(new Request(url, request), head)
}

/** The incoming headers, without those of this hop, with those that the steps have set. */
function forwarded(exchange: Exchange): Headers {
  const incoming = exchange.request.headers
  const headers = new Headers(incoming)
  for (const name of hopByHop(incoming.get('connection'))) headers.delete(name)
  headers.delete('atlas-decision')
  // workerd would make a GET of it, which no route or limit has been asked about.
  if (exchange.request.method !== 'GET') headers.delete('upgrade')
  if (exchange.target.kind === 'url' && !headers.has('x-forwarded-host')) {
    const host = incoming.get('host')
    if (host !== null) headers.set('x-forwarded-host', host)
  }
  if (exchange.traceparent !== '') headers.set('traceparent', exchange.traceparent)
  if (exchange.tracestate === '') headers.delete('tracestate')
  else if (exchange.tracestate !== null) headers.set('tracestate', exchange.tracestate)
  if (exchange.deadlineMs > 0) headers.set(DEADLINE_HEADER, String(exchange.deadlineMs))
  return headers
}

/** The response as it came, unless its `Connection` header names others: then without those. */
function endToEnd(response: Response): Response {
  const connection = response.headers.get('connection')
  if (namesNothing(connection)) return response
  return withHeaders(response, (headers) => {
    for (const name of hopByHop(connection)) headers.delete(name)
  })
}
