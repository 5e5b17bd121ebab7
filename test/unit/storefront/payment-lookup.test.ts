import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Call } from '../../../examples/storefront/http.ts'
import { paymentThrough } from '../../../examples/storefront/payment-lookup.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
  vi.restoreAllMocks()
})

async function edge(answer: RequestListener): Promise<string> {
  const made = createServer(answer).listen(0, '127.0.0.1')
  server = made
  await new Promise((ready) => made.once('listening', ready))
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

function call(headers: IncomingHttpHeaders = {}): Call {
  return { params: {}, query: new URLSearchParams(), headers, json: async () => ({}) }
}

describe('a payment looked up through the edge', () => {
  it('is asked for in the same trace, with what says which module asks, and nothing else of the request', async () => {
    let asked: { url: string | undefined; headers: IncomingHttpHeaders } | undefined
    const payment = { id: 'a/b', cart: 'c', cents: 1, receipt: 'r' }
    const url = await edge((request, response) => {
      asked = { url: request.url, headers: request.headers }
      response.end(JSON.stringify(payment))
    })
    const trace = {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'atlas=shipping',
    }
    expect(await paymentThrough(url)('a/b', call({ ...trace, cookie: 'secret' }))).toEqual(payment)
    expect(asked).toMatchObject({ url: '/payment/a%2Fb', headers: trace })
    expect(asked?.headers).not.toHaveProperty('cookie')
  })

  it('is none where the module knows none', async () => {
    const url = await edge((_, response) => response.writeHead(404).end('{}'))
    expect(await paymentThrough(url)('x', call())).toBeNull()
  })

  const faults: Record<string, RequestListener> = {
    'an error of the module': (_, response) => response.writeHead(500).end('{}'),
    'what is no JSON': (_, response) => response.end('<html>'),
    'a connection that breaks': (request) => request.socket.destroy(),
  }
  for (const [name, answer] of Object.entries(faults)) {
    it(`is refused with 503, and never taken for paid, after ${name}`, async () => {
      vi.spyOn(console, 'error').mockReturnValue()
      const url = await edge(answer)
      await expect(paymentThrough(url)('x', call())).rejects.toMatchObject({ status: 503 })
    })
  }
})
