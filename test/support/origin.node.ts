import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    origin: string
  }
}

/** Starts the origin that the edge's tests stand in front of: a Node server on loopback, with every bad habit they need. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = createServer(serve).on('upgrade', upgrade)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  project.provide('origin', `http://127.0.0.1:${port}`)
  return () => close(server)
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Requests that wait on `/hold/NAME`, until `/release/NAME`. */
const held = new Map<string, () => void>()

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(`http://origin${request.url ?? '/'}`)
  const [, verb = '', value = ''] = pathname.split('/')
  switch (verb) {
    case 'status':
      response
        .writeHead(Number(value), { 'x-origin': 'yes' })
        .end(value === '500' ? 'origin says 500' : undefined)
      return
    case 'redirect':
      response.writeHead(302, { location: '/elsewhere' }).end()
      return
    case 'reset':
      request.socket.destroy()
      return
    case 'garbage':
      request.socket.end('NOT HTTP AT ALL\r\n\r\n')
      return
    case 'truncated':
      response.writeHead(200, { 'content-length': '100' })
      response.write('0123456789', () => request.socket.destroy())
      return
    case 'hop':
      response
        .writeHead(200, { connection: 'x-secret, close', 'x-secret': 'hop', 'x-open': 'end' })
        .end('hop')
      return
    case 'range':
      response
        .writeHead(206, { 'content-range': 'bytes 2-4/10', 'x-range': request.headers.range ?? '' })
        .end('234')
      return
    case 'hold':
      if (searchParams.has('head')) response.writeHead(200).write('head,')
      held.set(value, () => response.end('released'))
      request.on('close', () => held.delete(value))
      return
    case 'release':
      response.end(String(held.has(value)))
      held.get(value)?.()
      return
    case 'mirror':
      response.writeHead(200)
      request.pipe(response)
      return
    case 'download':
      download(response, Number(value))
      return
    case 'upload':
      upload(request, response)
      return
    default:
      echo(request, response)
  }
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { method, url, rawHeaders } = request
    const body = JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(chunks).toString() })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
}

function upload(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on('end', () => response.end(String(bytes)))
}

function download(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-length': bytes })
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let left = bytes
  const more = () => {
    while (left > 0) {
      const part = chunk.subarray(0, Math.min(left, chunk.length))
      left -= part.length
      if (!response.write(part)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
}

/** Echoes text frames of fewer than 126 bytes (RFC 6455 §5.2), which is all the tests send. */
function upgrade(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.on('error', () => socket.destroy())
  socket.on('data', (frame: Buffer) => {
    const [head = 0, size = 0] = frame
    if ((head & 15) === 8) {
      socket.end(Buffer.from([0x88, 0]))
      return
    }
    const length = size & 127
    const mask = frame.subarray(2, 6)
    const text = frame.subarray(6, 6 + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]))
  })
}
