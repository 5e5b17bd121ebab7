import net from 'node:net'

export interface DriveOptions {
  readonly port: number
  readonly path?: string
  readonly requests: number
  readonly connections: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface Driven {
  readonly ok: number
  readonly other: number
  readonly latenciesMs: number[]
}

/**
 * Closed-loop load on loopback over keep-alive connections, one request in flight each. Answers must carry
 * Content-Length, as the bench origin's do; a proxy that turns them chunked is read to its last chunk.
 */
export async function drive(options: DriveOptions): Promise<Driven> {
  const driven = { ok: 0, other: 0, latenciesMs: [] as number[] }
  const budget = { left: options.requests }
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = `GET ${options.path ?? '/'} HTTP/1.1\r\nHost: bench.local\r\n${headers.join('')}\r\n`
  await Promise.all(
    Array.from({ length: options.connections }, () => connection(options.port, request, budget, driven)),
  )
  return driven
}

function connection(
  port: number,
  request: string,
  budget: { left: number },
  driven: { ok: number; other: number; latenciesMs: number[] },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = net.connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let pending = ''
  let sentAt = 0
  const next = () => {
    if (budget.left <= 0) {
      socket.end()
      resolve()
      return
    }
    budget.left--
    sentAt = performance.now()
    socket.write(request)
  }
  socket.on('connect', next)
  socket.on('error', reject)
  socket.on('close', () => (budget.left > 0 ? reject(new Error('connection closed early')) : resolve()))
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1')
    if (!complete(pending)) return
    driven.latenciesMs.push(performance.now() - sentAt)
    if (pending.startsWith('HTTP/1.1 200')) driven.ok++
    else driven.other++
    pending = ''
    next()
  })
  return promise
}

function complete(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.slice(0, head + 2))
  return length ? answer.length >= head + 4 + Number(length[1]) : answer.endsWith('0\r\n\r\n')
}
