import { describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../../contract/policy.ts'
import { echoOf, edgeOf, FakePop, ORIGIN, policyOf } from './rig.ts'

const client = (ip: string): RequestInit<RequestInitCfProperties> => ({ headers: { 'cf-connecting-ip': ip } })
const slowLimit = (part: Partial<NonNullable<PolicyInput['limits']>[number]> = {}) =>
  policyOf({ limits: [{ name: 'per-client', rps: 0.01, burst: 2, ...part }] })

describe('rate limit', () => {
  it('lets the burst pass, then answers 429 with Retry-After, the RateLimit fields and a problem', async () => {
    const { send } = edgeOf(slowLimit())
    expect((await send('/', client('192.0.2.1'))).status).toBe(200)
    expect((await send('/', client('192.0.2.1'))).status).toBe(200)
    const refused = await send('/', client('192.0.2.1'))
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(90)
    expect(refused.headers.get('ratelimit')).toMatch(/^"per-client";r=0;t=\d+$/)
    expect(refused.headers.get('ratelimit-policy')).toBe('"per-client";q=2;w=200')
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toMatchObject({
      status: 429,
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      'violated-policies': ['per-client'],
    })
  })

  it('counts each key for itself, and does not limit who has no key', async () => {
    const { send } = edgeOf(slowLimit({ burst: 1 }))
    expect((await send('/', client('192.0.2.1'))).status).toBe(200)
    expect((await send('/', client('192.0.2.2'))).status).toBe(200)
    expect((await send('/', client('192.0.2.1'))).status).toBe(429)
    for (let turn = 0; turn < 3; turn++) expect((await send('/')).status).toBe(200)
  })

  it('in shadow mode counts and lets pass, and says so', async () => {
    const counted: string[] = []
    const metrics = {
      count: (name: string, _by?: number, labels?: Readonly<Record<string, string>>) => {
        counted.push(`${name} ${labels?.mode}`)
      },
    }
    const policy = { ...slowLimit({ burst: 1, mode: 'shadow' }), headers: { decision: true } }
    const { send } = edgeOf(policy, { metrics })
    await send('/', client('192.0.2.1'))
    const over = await send('/', client('192.0.2.1'))
    expect(over.status).toBe(200)
    expect(over.headers.get('atlas-decision')).toContain('would="limit:per-client"')
    expect(counted).toEqual(['atlas_limited_total shadow'])
  })

  it('applies to its modules alone', async () => {
    const policy = policyOf({
      modules: [
        { name: 'pay', routes: ['/pay/*'] },
        { name: 'rest', routes: ['/*'] },
      ],
      limits: [{ name: 'pay-route', key: 'route', rps: 0.01, burst: 1, modules: ['pay'] }],
    })
    const { send } = edgeOf(policy)
    expect((await send('/pay/1')).status).toBe(200)
    for (const spelling of ['/pay/2', '/%70ay/2', '//pay/2', '/x/../pay/2', '/x/%2e%2e/pay']) {
      expect((await send(spelling)).status, spelling).toBe(429)
    }
    expect((await send('/other')).status).toBe(200)
  })

  it('learns what other isolates let pass, and tells its own under a hash', async () => {
    const pop = new FakePop()
    const { send, background } = edgeOf(slowLimit({ burst: 5 }), {
      pop,
      vars: { ATLAS_ADMIN_TOKEN: 'secret' },
    })
    await send('/', client('192.0.2.1'))
    await background()
    const use = pop.reports.flatMap((report) => report.limitUse)
    expect(use).toEqual([{ limit: 'per-client', key: expect.stringMatching(/^[0-9a-f]{32}$/), cost: 1 }])
    expect(JSON.stringify(pop.reports)).not.toContain('192.0.2.1')
    pop.answer = async () => ({ table: null, othersUse: use.map((one) => ({ ...one, cost: 4 })) })
    await send('/', client('192.0.2.9'))
    await background()
    expect((await send('/', client('192.0.2.1'))).status).toBe(429)
    await background()
  })
})

describe('deadline', () => {
  it.each([100, 300])('answers 504 when nothing came in %i ms', async (timeoutMs) => {
    const policy = policyOf({ deadline: { defaultMs: timeoutMs } })
    const response = await edgeOf(policy).send(`/hold/late-${timeoutMs}`)
    expect(response.status).toBe(504)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  it('does not cut a body that streams on after it', async () => {
    const { send } = edgeOf(policyOf({ deadline: { defaultMs: 60 } }))
    const response = await send('/hold/body?head')
    const reader = response.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('head,')
    expect((await send('/hold/meanwhile')).status).toBe(504)
    expect(await (await fetch(`${ORIGIN}/release/body`)).text()).toBe('true')
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('released')
  })

  it('is the module’s timeout, and is told to the origin', async () => {
    const policy = policyOf({
      modules: [{ name: 'app', routes: ['/*'], contract: { timeoutMs: 1234, state: 'none' } }],
    })
    const { headers } = await echoOf(await edgeOf(policy).send('/'))
    expect(headers.get('atlas-deadline-ms')).toBe('1234')
  })

  it('honours less time that the caller has left, and ignores more and what is no number', async () => {
    const { send } = edgeOf(policyOf({ deadline: { defaultMs: 5000 } }))
    const told = async (value: string) =>
      (await echoOf(await send('/', { headers: { 'atlas-deadline-ms': value } }))).headers.get(
        'atlas-deadline-ms',
      )
    expect(await told('700')).toBe('700')
    for (const value of ['900000', '-5', '1e2', 'soon', '700, 1', '99999999999999']) {
      expect(await told(value), value).toBe('5000')
    }
    expect((await send('/hold/impatient', { headers: { 'atlas-deadline-ms': '0' } })).status).toBe(504)
  })

  it('in shadow mode waits on', async () => {
    const policy = policyOf({ deadline: { mode: 'shadow', defaultMs: 20 }, headers: { decision: true } })
    const { promise: counted, resolve } = Promise.withResolvers<string | undefined>()
    const metrics = {
      count: (_name: string, _by?: number, labels?: Readonly<Record<string, string>>) =>
        resolve(labels?.mode),
    }
    const answer = edgeOf(policy, { metrics }).send('/hold/shadow')
    expect(await counted).toBe('shadow')
    await fetch(`${ORIGIN}/release/shadow`)
    const response = await answer
    expect(response.status).toBe(200)
    expect(response.headers.get('atlas-decision')).toContain('would="deadline"')
  })
})
