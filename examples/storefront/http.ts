import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** One request, as a handler sees it. */
export interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** The body as a JSON object; refused with 400 when it is none, with 413 above 64 kB. */
  json(): Promise<Readonly<Record<string, unknown>>>
}

export interface Reply {
  readonly status?: number
  /** Sent as JSON; a text is sent as HTML. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A route: a method, a path whose segments may be `:name`, and what answers it. */
export interface Route {
  readonly method: string
  readonly path: string
  handle(call: Call): Reply | Promise<Reply>
}

/** What a handler throws to refuse a request. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MAX_BODY_BYTES = 65_536

/** An HTTP server over a list of routes. */
export function serverOf(routes: readonly Route[]): Server {
  const table = routes.map((route) => ({ route, segments: route.path.split('/') }))
  const server = createServer((request, response) => {
    answer(table, request).then(
      (reply) => send(response, request.method === 'HEAD', reply),
      (thrown) => send(response, false, refusal(thrown)),
    )
  })
  server.keepAliveTimeout = 75_000
  return server
}

type Table = readonly { route: Route; segments: readonly string[] }[]

async function answer(table: Table, request: IncomingMessage): Promise<Reply> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?')
  const parts = path.replace(/(.)\/$/, '$1').split('/')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  let known = false
  for (const { route, segments } of table) {
    const params = match(segments, parts)
    if (params === null) continue
    known = true
    if (route.method === method) {
      const call = {
        params,
        query: new URLSearchParams(query),
        headers: request.headers,
        json: () => readJson(request),
      }
      return route.handle(call)
    }
  }
  throw known ? new Refusal(405, `${method} is not possible here`) : new Refusal(404, `nothing at ${path}`)
}

function match(segments: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (segments.length !== parts.length) return null
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? ''
    if (segment.startsWith(':') && part !== '') params[segment.slice(1)] = decode(part)
    else if (segment !== part) return null
  }
  return params
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal(400, 'the path is not properly encoded')
  }
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new Refusal(413, `a body has at most ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  let document: unknown
  try {
    document = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}')
  } catch {
    throw new Refusal(400, 'the body is not JSON')
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new Refusal(400, 'the body must be a JSON object')
  return document as Record<string, unknown>
}

function refusal(thrown: unknown): Reply {
  if (thrown instanceof Refusal) return { status: thrown.status, body: { error: thrown.message } }
  console.error(thrown)
  return { status: 500, body: { error: 'internal error' } }
}

function send(response: ServerResponse, headOnly: boolean, reply: Reply): void {
  const html = typeof reply.body === 'string'
  const text = Buffer.from(html ? String(reply.body) : JSON.stringify(reply.body))
  response.writeHead(reply.status ?? 200, {
    'content-type': html ? 'text/html; charset=utf-8' : 'application/json',
    'content-length': text.length,
    ...reply.headers,
  })
  response.end(headOnly ? undefined : text)
}
