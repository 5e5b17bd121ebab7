import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { Hono } from 'hono'
import { describe, expect, it, vi } from 'vitest'
import { atlas, withAtlas } from '../../../edge/index.ts'
import { ORIGIN } from './rig.ts'

async function ask(handler: { fetch: unknown }, request: Request): Promise<Response> {
  const context = createExecutionContext()
  const fetch = handler.fetch as (
    request: Request,
    env: object,
    context: ExecutionContext,
  ) => Promise<Response>
  const response = await fetch(request, {}, context)
  await waitOnExecutionContext(context)
  return response
}

const limited = {
  policy: {
    apiVersion: 'atlas/v1' as const,
    origin: 'self',
    modules: [
      { name: 'api', routes: ['/api/*'], tight: 'self' },
      { name: 'old', routes: ['/old/*'], tight: ORIGIN },
    ],
    limits: [{ name: 'api', key: 'route', rps: 0.01, burst: 1, modules: ['api'] }],
    headers: { decision: true },
  },
}

describe('atlas(), the Hono middleware', () => {
  const app = () => {
    const hono = new Hono()
    hono.use(atlas(limited))
    hono.post('/api/echo', async (context) =>
      context.json({ body: await context.req.text(), traceparent: context.req.header('traceparent') }),
    )
    hono.get('/boom', () => {
      throw new Error('application')
    })
    hono.onError((_error, context) => context.text('the application’s own page', 500))
    return hono
  }

  it('runs the routes that follow as the target "self", with trace context and body', async () => {
    const response = await ask(
      app(),
      new Request('https://shop.example/api/echo', { method: 'POST', body: 'hi' }),
    )
    expect(response.status).toBe(200)
    expect(response.headers.get('atlas-decision')).toContain('module="api"')
    expect(await response.json()).toEqual({
      body: 'hi',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    })
  })

  it('answers for them when a limit is reached', async () => {
    const hono = app()
    const post = () => new Request('https://shop.example/api/echo', { method: 'POST', body: 'hi' })
    await ask(hono, post())
    expect((await ask(hono, post())).status).toBe(429)
  })

  it('sends modules of another target there', async () => {
    const response = await ask(app(), new Request('https://shop.example/old/page'))
    expect(await response.json()).toMatchObject({ url: '/old/page' })
  })

  it('leaves errors of the application to the application', async () => {
    const response = await ask(app(), new Request('https://shop.example/boom'))
    expect(response.status).toBe(500)
    expect(await response.text()).toBe('the application’s own page')
  })

  it('answers 404 as the application does where no route matches', async () => {
    expect((await ask(app(), new Request('https://shop.example/none'))).status).toBe(404)
  })
})

describe('withAtlas(), the wrapper of a fetch handler', () => {
  it('wraps a function or an object with fetch, by default for every route', async () => {
    const handler = (request: Request) => new Response(`${request.method} ${new URL(request.url).pathname}`)
    for (const wrapped of [withAtlas(handler), withAtlas({ fetch: handler })]) {
      const response = await ask(
        wrapped,
        new Request('https://shop.example/any', { method: 'PUT', body: 'x' }),
      )
      expect(await response.text()).toBe('PUT /any')
    }
  })

  it('turns what the handler throws into a 502 with an incident id', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const wrapped = withAtlas(() => {
      throw new Error('application')
    })
    const response = await ask(wrapped, new Request('https://shop.example/'))
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ incident: expect.any(String) })
    vi.restoreAllMocks()
  })
})
