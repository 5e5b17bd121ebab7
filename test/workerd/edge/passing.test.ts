import { describe, expect, it } from 'vitest'
import { UNROUTED } from '../../../contract/aggregate.ts'
import { echoOf, edgeOf, FakePop, ORIGIN, policyOf } from './rig.ts'

describe('a request that passes', () => {
  it('keeps method, path, query, body and its own headers', async () => {
    const response = await edgeOf().send('/a/b?c=d&e=%20', {
      method: 'POST',
      headers: { 'x-mine': '1', 'x-forwarded-for': '203.0.113.9' },
      body: 'hello',
    })
    const echo = await echoOf(response)
    expect(echo).toMatchObject({ method: 'POST', url: '/a/b?c=d&e=%20', body: 'hello' })
    expect(echo.headers.get('x-mine')).toBe('1')
    expect(echo.headers.get('x-forwarded-for')).toBe('203.0.113.9')
    expect(echo.headers.get('content-length')).toBe('5')
  })

  it('names the host of the target as host and its own as x-forwarded-host, and nothing else that did not come', async () => {
    const { send } = edgeOf()
    const { headers } = await echoOf(await send('/', { headers: { host: 'shop.example' } }))
    expect(headers.get('host')).toBe(new URL(ORIGIN).host)
    expect(headers.get('x-forwarded-host')).toBe('shop.example')
    expect(headers.has('x-forwarded-for')).toBe(false)
    expect(headers.has('x-forwarded-proto')).toBe(false)
    const behind = {
      host: 'inner.example',
      'x-forwarded-host': 'outer.example',
      'x-forwarded-proto': 'https',
    }
    const second = await echoOf(await send('/', { headers: behind }))
    expect(second.headers.get('x-forwarded-host')).toBe('outer.example')
    expect(second.headers.get('x-forwarded-proto')).toBe('https')
  })

  it('gets the origin’s own 4xx and 5xx unchanged', async () => {
    const { send } = edgeOf()
    for (const status of [404, 429, 500, 503]) {
      const response = await send(`/status/${status}`)
      expect(response.status).toBe(status)
      expect(response.headers.get('x-origin')).toBe('yes')
      expect(await response.text()).toBe(status === 500 ? 'origin says 500' : '')
    }
  })

  it('gets redirects, 204, 304 and 206 as they are', async () => {
    const { send } = edgeOf()
    const redirect = await send('/redirect')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/elsewhere'])
    expect((await send('/status/204')).status).toBe(204)
    expect((await send('/status/304', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
    const range = await send('/range', { headers: { range: 'bytes=2-4' } })
    expect(range.status).toBe(206)
    expect(range.headers.get('x-range')).toBe('bytes=2-4')
    expect(await range.text()).toBe('234')
  })

  it('keeps HEAD a HEAD, with the length and without a body', async () => {
    const response = await edgeOf().send('/echo', { method: 'HEAD' })
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0)
    expect(await response.text()).toBe('')
  })

  it('loses hop-by-hop headers on the way in, also those that Connection names, but none that says who came', async () => {
    const { headers } = await echoOf(
      await edgeOf().send('/', {
        headers: {
          connection: 'x-hop, x-forwarded-for, cookie',
          'x-hop': '1',
          'x-forwarded-for': '203.0.113.9',
          cookie: 'a=b',
          'keep-alive': 'timeout=5',
          te: 'trailers',
          trailer: 'x-sum',
          'proxy-authorization': 'Basic x',
          'proxy-connection': 'keep-alive',
        },
      }),
    )
    for (const name of ['x-hop', 'keep-alive', 'te', 'trailer', 'proxy-authorization', 'proxy-connection']) {
      expect(headers.has(name), name).toBe(false)
    }
    expect(headers.get('connection') ?? 'keep-alive').toBe('keep-alive')
    expect(headers.get('x-forwarded-for')).toBe('203.0.113.9')
    expect(headers.get('cookie')).toBe('a=b')
  })

  it('loses hop-by-hop headers on the way out', async () => {
    const response = await edgeOf().send('/hop')
    expect(response.headers.get('x-secret')).toBeNull()
    expect(response.headers.get('x-open')).toBe('end')
    expect(await response.text()).toBe('hop')
  })

  it('streams both ways at once: what it sends comes back before it has sent all', async () => {
    const { readable, writable } = new IdentityTransformStream()
    const writer = writable.getWriter()
    const answer = edgeOf().send('/mirror', { method: 'POST', body: readable })
    await writer.write(new TextEncoder().encode('first'))
    const reader = (await answer).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first')
    await writer.write(new TextEncoder().encode('second'))
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('second')
    await writer.close()
    expect((await reader?.read())?.done).toBe(true)
  })

  it('carries 16 MB down and up, chunk by chunk', async () => {
    const { send } = edgeOf()
    const bytes = 16 * 1024 * 1024
    let down = 0
    for await (const chunk of (await send(`/download/${bytes}`)).body ?? []) down += chunk.byteLength
    expect(down).toBe(bytes)

    const { readable, writable } = new FixedLengthStream(bytes)
    const upload = send('/upload', { method: 'PUT', body: readable })
    const writer = writable.getWriter()
    const chunk = new Uint8Array(256 * 1024)
    for (let sent = 0; sent < bytes; sent += chunk.length) await writer.write(chunk)
    await writer.close()
    expect(await (await upload).text()).toBe(String(bytes))
  })

  it('upgrades to a WebSocket that echoes', async () => {
    const policy = policyOf({ headers: { decision: true, serverTiming: true } })
    const response = await edgeOf(policy).send('/ws', { headers: { upgrade: 'websocket' } })
    expect(response.status).toBe(101)
    const socket = response.webSocket
    if (socket === null) throw new Error('no WebSocket')
    socket.accept()
    const echoed = new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)))
    socket.send('over the edge')
    expect(await echoed).toBe('over the edge')
    socket.close()
  })
})

describe('trace context', () => {
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

  it('continues a valid trace with a new span, and keeps its state', async () => {
    const { headers } = await echoOf(
      await edgeOf().send('/', { headers: { traceparent: parent, tracestate: 'a=1' } }),
    )
    expect(headers.get('traceparent')).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
    expect(headers.get('traceparent')).not.toContain('00f067aa0ba902b7')
    expect(headers.get('tracestate')).toBe('atlas=app,a=1')
  })

  it('begins a new trace where there is none or an invalid one, and drops its state', async () => {
    const { send } = edgeOf()
    const bad = [
      '',
      'x',
      parent.toUpperCase(),
      `${parent}-more`,
      parent.replace('4bf92f', 'zzzzzz'),
      `ff${parent.slice(2)}`,
    ]
    for (const traceparent of bad) {
      const { headers } = await echoOf(await send('/', { headers: { traceparent, tracestate: 'a=1' } }))
      expect(headers.get('traceparent')).toMatch(/^00-(?!4bf92f)[0-9a-f]{32}-[0-9a-f]{16}-01$/)
      expect(headers.get('tracestate')).toBe('atlas=app')
    }
  })

  it('tells a module which it is, and tells the PoP object which module called, by its name in tracestate', async () => {
    const pop = new FakePop()
    const modules = ['cart', 'payment'].map((name) => ({ name, routes: [`/${name}/*`] }))
    const { send, background } = edgeOf(policyOf({ modules }), { pop })
    const ask = async (path: string, tracestate: string, traceparent = parent) =>
      (await echoOf(await send(path, { headers: { traceparent, tracestate } }))).headers.get('tracestate')
    expect(await ask('/payment/1', 'b=2, atlas=cart')).toBe('atlas=payment,b=2')
    expect(await ask('/payment/2', 'atlas=cart')).toBe('atlas=payment')
    expect(await ask('/cart/1', 'atlas=payment,b=2')).toBe('atlas=cart,b=2')
    expect(await ask('/elsewhere', 'atlas=payment,b=2')).toBe('b=2')
    expect(await ask('/elsewhere', 'atlas=payment')).toBeUndefined()
    expect(await ask('/cart/2', 'atlas=nobody')).toBe('atlas=cart')
    expect(await ask('/cart/3', 'atlas=payment', 'not a trace')).toBe('atlas=cart')
    await background()
    const calls = pop.reports.flatMap(({ aggregates }) => aggregates.flatMap((one) => one.calls ?? []))
    const sums = new Map<string, number>()
    for (const { caller, callee, requests } of calls)
      sums.set(`${caller}-${callee}`, (sums.get(`${caller}-${callee}`) ?? 0) + requests)
    expect(Object.fromEntries(sums)).toEqual({ '0-1': 2, '1-0': 1, [`1-${UNROUTED}`]: 2 })
  })

  it('only looks in shadow mode: who called is known, what came is passed on', async () => {
    const pop = new FakePop()
    const { send, background } = edgeOf(policyOf({ steps: { trace: 'shadow' } }), { pop })
    const sent = { traceparent: parent, tracestate: 'b=2, atlas=app' }
    const { headers } = await echoOf(await send('/', { headers: sent }))
    expect([headers.get('traceparent'), headers.get('tracestate')]).toEqual([parent, 'b=2, atlas=app'])
    await background()
    expect(pop.reports.flatMap(({ aggregates }) => aggregates.map(({ calls }) => calls))).toEqual([
      [{ caller: 0, callee: 0, requests: 1 }],
    ])
  })

  it('reads and writes no member of its own when the policy turns the call graph off', async () => {
    const pop = new FakePop()
    const { send, background } = edgeOf(policyOf({ callGraph: 'off' }), { pop })
    const { headers } = await echoOf(
      await send('/', { headers: { traceparent: parent, tracestate: 'atlas=app' } }),
    )
    expect(headers.get('tracestate')).toBe('atlas=app')
    const fresh = await echoOf(await send('/'))
    expect(fresh.headers.has('tracestate')).toBe(false)
    await background()
    const aggregates = pop.reports.flatMap((report) => report.aggregates)
    expect(
      aggregates.flatMap(({ modules }) => modules).reduce((sum, { requests }) => sum + requests, 0),
    ).toBe(2)
    expect(aggregates.filter(({ calls }) => calls !== undefined)).toEqual([])
  })

  it('is left alone when the policy turns it off', async () => {
    const { send } = edgeOf(policyOf({ steps: { trace: 'off' } }))
    const { headers } = await echoOf(await send('/', { headers: { traceparent: 'as it came' } }))
    expect(headers.get('traceparent')).toBe('as it came')
  })
})
