import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Stack } from '../../central/up/stack.ts'
import { parsePolicy } from '../../contract/policy.ts'
import { startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** What no HTTP client would send: written to the edge's socket byte by byte. */

let origin: http.Server
let stack: Stack

beforeAll(async () => {
  const echo = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method, url, headers } = request
    response.statusCode = Number(/^\/status\/(\d{3})/.exec(url ?? '')?.[1] ?? 200)
    if (url?.endsWith('/hop')) response.setHeader('connection', 'x-hop').setHeader('x-hop', '1')
    response.setHeader('x-saw', JSON.stringify({ method, url, body, upgrade: headers.upgrade ?? null }))
    response.end()
  }
  origin = http.createServer(echo).on('upgrade', (request, socket) => {
    const saw = JSON.stringify({ method: request.method, upgrade: request.headers.upgrade })
    socket.end(`HTTP/1.1 200 OK\r\nx-saw: ${saw}\r\ncontent-length: 0\r\n\r\n`)
  })
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  const address = origin.address()
  const port = typeof address === 'object' ? address?.port : 0
  const policy = parsePolicy({
    apiVersion: 'atlas/v1',
    origin: `http://127.0.0.1:${port}`,
    modules: [{ name: 'app', routes: ['/*'] }],
    headers: { decision: true, serverTiming: true },
  })
  stack = await startOwnStack({ policy, natsServer: null })
})

afterAll(async () => {
  await stack?.stop()
  origin?.closeAllConnections()
  origin?.close()
})

test('a GET or HEAD with a body, and with one of length 0, reaches the origin', async () => {
  expect(await send('GET /a HTTP/1.1', ['content-length: 5'], 'hello')).toMatchObject({
    status: 200,
    saw: { method: 'GET', url: '/a', body: 'hello' },
  })
  expect(await send('GET /b HTTP/1.1', ['content-length: 0'])).toMatchObject({
    status: 200,
    saw: { method: 'GET', url: '/b', body: '' },
  })
  expect(await send('HEAD /c HTTP/1.1', ['content-length: 0'])).toMatchObject({
    status: 200,
    saw: { method: 'HEAD', url: '/c' },
  })
})

test('a GET whose body has no length is answered', async () => {
  const chunked = await send('GET /d HTTP/1.1', ['transfer-encoding: chunked'], '2\r\nhi\r\n0\r\n\r\n')
  expect(chunked).toMatchObject({ status: 200, saw: { method: 'GET', url: '/d' } })
})

test('a status that no standard names passes, and is no fault of ATLAS', async () => {
  for (const status of [299, 451, 599, 600, 700, 999])
    for (const end of ['', '/hop'])
      expect(await send(`GET /status/${status}${end} HTTP/1.1`, []), `${status}${end}`).toMatchObject({
        status,
        saw: { method: 'GET' },
      })
  await until('the PoP object counted them', async () => ((await stack.status())?.requests ?? 0) >= 12)
  expect((await stack.status())?.internalErrors).toBe(0)
})

test('CONNECT opens no tunnel: the runtime refuses it before the edge hears of it', async () => {
  const { port } = new URL(stack.urls.edges[0] ?? '')
  for (const target of ['example.com:443', `127.0.0.1:${port}`])
    expect((await send(`CONNECT ${target} HTTP/1.1`, [])).status, target).toBeGreaterThanOrEqual(400)
  await until('the edge serves on', () =>
    send('GET /after HTTP/1.1', []).then(({ status }) => status === 200),
  )
})

test('a Host that would begin another path is refused', async () => {
  for (const host of ['h/admin?', 'h/admin#', 'h?x', 'u@h', 'h\\admin', 'h h'])
    expect((await send('GET /public HTTP/1.1', [`host: ${host}`])).status, host).toBe(400)
  for (const host of ['h', 'h:8080', '[::1]:80', 'xn--bcher-kva.example'])
    expect((await send('GET /public HTTP/1.1', [`host: ${host}`])).status, host).toBe(200)
})

test('a POST that asks for an upgrade stays the POST that was routed and limited', async () => {
  const upgrade = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13']
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
  expect(await send('POST /e HTTP/1.1', [...upgrade, key, 'content-length: 2'], 'hi')).toMatchObject({
    status: 200,
    saw: { method: 'POST', body: 'hi', upgrade: null },
  })
})

/** Sends bytes, and reads the answer's head. */
function send(
  line: string,
  headers: readonly string[],
  body = '',
): Promise<{ status: number; saw: unknown }> {
  const named = headers.some((header) => header.startsWith('host:')) ? headers : ['host: h', ...headers]
  const { port } = new URL(stack.urls.edges[0] ?? '')
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer to ${line}`)))
    socket.on('error', reject)
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      if (!answer.includes('\r\n\r\n')) return
      socket.destroy()
      const saw = /^x-saw: (.*)$/im.exec(answer)?.[1]
      resolve({ status: Number(answer.split(' ')[1]), saw: saw === undefined ? null : JSON.parse(saw) })
    })
    socket.write([line, ...named, '', body].join('\r\n'))
  })
}
