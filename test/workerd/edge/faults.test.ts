import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { createEdge } from '../../../edge/worker/edge.ts'
import { echoOf, edgeOf, FakePop, ORIGIN, policyOf, tableOf } from './rig.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('an origin that fails', () => {
  it('is a 502 problem with an incident id when it cannot be reached, breaks off or does not speak HTTP', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const cases = [
      edgeOf(policyOf({ origin: 'http://127.0.0.1:1' })).send('/'),
      edgeOf().send('/reset'),
      edgeOf().send('/garbage'),
      edgeOf(policyOf({ origin: 'binding:NOWHERE' })).send('/'),
      edgeOf(policyOf({ origin: 'self' })).send('/'),
    ]
    for (const response of await Promise.all(cases)) {
      expect(response.status).toBe(502)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({
        status: 502,
        title: 'Bad Gateway',
        incident: expect.stringMatching(/^[0-9a-z]{10}/),
      })
    }
  })

  it('breaks the body it has broken, and nothing else', async () => {
    const response = await edgeOf().send('/truncated')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe('100')
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  it('is counted as unreachable or by its status, with the bytes it declared', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const pop = new FakePop()
    const { send, background } = edgeOf(policyOf({ modules: [{ name: 'app', routes: ['/*'] }] }), { pop })
    for (const path of ['/reset', '/status/503', '/status/404', '/truncated', '/status/204']) await send(path)
    await background()
    const totals = { requests: 0, errors4xx: 0, errors5xx: 0, unreachable: 0, shed: 0, bytesOut: 0 }
    for (const { aggregates } of pop.reports) {
      for (const module of aggregates.flatMap((one) => one.modules)) {
        expect(module.module).toBe(0)
        for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += module[key]
      }
    }
    expect(totals).toMatchObject({ requests: 5, errors4xx: 1, unreachable: 1, shed: 0 })
    expect(totals.bytesOut).toBeGreaterThanOrEqual(100)
  })
})

describe('a fault inside ATLAS', () => {
  it('lets the request pass as it came, body and all, and is counted', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const counted: string[] = []
    const broken = {
      count: (name: string, _by?: number, labels?: Readonly<Record<string, string>>) => {
        counted.push(`${name} ${labels?.step ?? ''}`)
        if (name === 'atlas_limited_total') throw new Error('injected')
      },
    }
    const pop = new FakePop()
    const policy = policyOf({ limits: [{ name: 'one', key: 'route', rps: 0.01, burst: 1 }] })
    const { send, background } = edgeOf(policy, { metrics: broken, pop })
    await send('/')
    const response = await send('/kept', { method: 'POST', body: 'whole' })
    expect(response.status).toBe(200)
    expect(await echoOf(response)).toMatchObject({ method: 'POST', url: '/kept', body: 'whole' })
    expect(counted).toContain('atlas_internal_errors_total rateLimit')
    await background()
    expect(pop.reports.reduce((sum, report) => sum + report.internalErrors, 0)).toBe(1)
  })

  it('asks the origin once when a step fails after it was asked', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    let asked = 0
    const self = () => {
      asked++
      return new Response('once')
    }
    const pop = new FakePop()
    const policy = policyOf({ origin: 'self', headers: { decision: true } })
    const clock = vi.spyOn(Headers.prototype, 'set').mockImplementation((name) => {
      if (name === 'atlas-decision') throw new Error('injected')
    })
    const response = await edgeOf(policy, { self, pop }).send('/', { method: 'POST', body: 'x' })
    clock.mockRestore()
    expect(asked).toBe(1)
    expect(response.status).toBe(200)
  })
})

describe('a PoP object that fails', () => {
  it('leaves the last table in force, and gets the telemetry with a later flush', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const pop = new FakePop()
    const policy = parsePolicy(policyOf({ headers: { decision: true } }))
    pop.answer = async () => ({ table: tableOf(policy, { version: 7, policyVersion: 3 }), othersUse: [] })
    const { send, background } = edgeOf(policyOf(), { pop })
    await send('/')
    await background()
    pop.answer = () => Promise.reject(new Error('gone'))
    const during = await send('/')
    expect(during.headers.get('atlas-decision')).toContain('version=3')
    await background()
    pop.answer = async () => ({ table: null, othersUse: [] })
    const delivered = pop.reports.length
    expect((await send('/')).headers.get('atlas-decision')).toContain('version=3')
    await background()
    const requests = (from: number, to?: number) =>
      pop.reports
        .slice(from, to)
        .flatMap((report) => report.aggregates.flatMap((one) => one.modules.map((module) => module.requests)))
        .reduce((sum, count) => sum + count, 0)
    expect(requests(delivered)).toBe(2)
  })

  it('is not needed: without the binding the bundled policy serves', async () => {
    expect((await edgeOf().send('/')).status).toBe(200)
  })

  it('cannot put a broken table in force', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const pop = new FakePop()
    pop.answer = async () => ({ table: { version: 9 } as never, othersUse: [] })
    const { send, background } = edgeOf(policyOf(), { pop })
    await send('/')
    await background()
    expect((await send('/')).status).toBe(200)
    await background()
  })
})

describe('a configuration that is not valid', () => {
  it.each([
    [{}, 'ATLAS_ORIGIN'],
    [{ ATLAS_ORIGIN: ORIGIN, ATLAS_TICK_MS: 'often' }, 'ATLAS_TICK_MS'],
    [{ ATLAS_ORIGIN: ORIGIN, ATLAS_NATS_URL: 'http://nats' }, 'ATLAS_NATS_URL'],
    [{ ATLAS_DEFAULT_POLICY: '{' }, 'ATLAS_DEFAULT_POLICY'],
  ])('answers every request 500 with the variable to mend: %o', async (vars, name) => {
    const edge = createEdge({ vars })
    for (let turn = 0; turn < 2; turn++) {
      const response = await edge(new Request('https://shop.example/'), {}, { waitUntil() {} }, null)
      expect(response.status).toBe(500)
      expect(((await response.json()) as { detail: string }).detail).toContain(name)
    }
  })
})

describe('the status path', () => {
  const at = '/.atlas/status'
  const opened = (
    authorization?: string,
    vars: object = { ATLAS_ADMIN_TOKEN: 'open sesame'.replace(' ', '-') },
  ) =>
    edgeOf(policyOf(), { vars, bindings: { POP: (env as { POP?: unknown }).POP } }).send(
      at,
      authorization === undefined ? {} : { headers: { authorization } },
    )

  it('opens to the token alone', async () => {
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer wrong',
      'Basic open-sesame',
      'Bearer open-sesame2',
    ]) {
      const response = await opened(authorization)
      expect(response.status, authorization).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('Bearer')
    }
    const response = await opened('Bearer open-sesame')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ pop: 'local', link: { state: 'off' } })
  })

  it('is a path like any other when no token is configured', async () => {
    const response = await opened('Bearer anything', {})
    expect(await echoOf(response)).toMatchObject({ url: at })
  })

  it('says that the PoP object does not answer', async () => {
    const { send } = edgeOf(policyOf(), { vars: { ATLAS_ADMIN_TOKEN: 't' }, pop: new FakePop() })
    expect((await send(at, { headers: { authorization: 'Bearer t' } })).status).toBe(503)
  })
})
