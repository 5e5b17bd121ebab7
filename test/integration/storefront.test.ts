import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { ROOT } from '../support/stack.ts'
import { until } from '../support/until.ts'

const TRACE = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'atlas=shipping,b=2',
}

/** What stands for the edge, and what it was asked last. */
let answer: RequestListener
let asked: { readonly url: string | undefined; readonly headers: IncomingHttpHeaders } | undefined
const edge = createServer((request, response) => {
  asked = { url: request.url, headers: request.headers }
  answer(request, response)
})
let shop: ChildProcess
let url = ''

beforeAll(async () => {
  edge.listen(0, '127.0.0.1')
  await new Promise((ready) => edge.once('listening', ready))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const edgeUrl = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`
  shop = spawn(
    process.execPath,
    [
      join(ROOT, 'examples/storefront/server.node.ts'),
      ...['--modules', 'shipping', '--port', String(port), '--edge', edgeUrl],
    ],
    { stdio: 'ignore' },
  )
  await until('the shop answers', () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
})

afterAll(() => {
  shop.kill()
  edge.close()
})

/** The status that an order to ship a payment is answered with. */
async function ship(headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${url}/shipping`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ payment: 'p/1', country: 'de' }),
  })
  await response.text()
  return response.status
}

describe('a shipping service without the payment module in its process', () => {
  const faults: Record<string, RequestListener> = {
    'an error': (_, response) => response.writeHead(500).end('{}'),
    'what is no JSON': (_, response) => response.end('<html>'),
    'a connection that breaks': (request) => request.socket.destroy(),
  }
  for (const [name, fault] of Object.entries(faults)) {
    it(`ships nothing and answers 503 when the payment module answers with ${name}`, async () => {
      answer = fault
      expect(await ship()).toBe(503)
    })
  }

  it('ships nothing for a payment that the payment module does not know, and asks in the trace of its request', async () => {
    answer = (_, response) => response.writeHead(404).end('{}')
    expect(await ship({ ...TRACE, cookie: 'secret' })).toBe(404)
    expect(asked).toMatchObject({ url: '/payment/p%2F1', headers: TRACE })
    expect(asked?.headers).not.toHaveProperty('cookie')
  })

  it('says how busy it is: shares of a CPU and of the memory, and none before it can know', async () => {
    const load = () =>
      fetch(`${url}/load`).then((response) => response.json() as Promise<Record<string, unknown>>)
    const { cpu } = await until('it knows', async () => {
      const now = await load()
      return typeof now.cpu === 'number' && now
    })
    expect(cpu).toBeGreaterThan(0)
    expect(cpu).toBeLessThanOrEqual(1)
    expect(await load()).toEqual({ cpu: expect.any(Number), memory: expect.any(Number), dbQueue: 0 })
  })
})
