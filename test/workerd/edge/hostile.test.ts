import { describe, expect, it } from 'vitest'
import { echoOf, edgeOf, ORIGIN, policyOf } from './rig.ts'

describe('hostile input', () => {
  it('passes odd paths on as they came', async () => {
    const { send } = edgeOf()
    for (const path of [
      '//',
      '//a//b',
      '/a%2Fb',
      '/a%2fb?x=%2e%2e',
      '/%C3%A9',
      '/a;b=c',
      "/a'(b)!*",
      '/%',
      '/%zz',
    ]) {
      expect((await echoOf(await send(path))).url, path).toBe(path)
    }
  })

  it('cannot leave a target’s base path by dot segments, encoded or not', async () => {
    const { send } = edgeOf(policyOf({ origin: `${ORIGIN}/base` }))
    for (const path of ['/../x', '/%2e%2e/x', '/a/%2E%2E/%2e%2E/x', '/./../x', '/..%2f../x', '/\\..\\x']) {
      expect((await echoOf(await send(path))).url, path).toMatch(/^\/base\//)
    }
  })

  it('passes a URL of 12 kB and a body of any type', async () => {
    const path = `/${'x'.repeat(12_000)}`
    const response = await edgeOf().send(path, { method: 'POST', body: new Uint8Array([0, 255, 128]) })
    expect((await echoOf(response)).url).toBe(path)
  })

  it('passes a hundred headers, and each name once', async () => {
    const flood = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`x-flood-${index}`, `v${index}`]),
    )
    const { headers } = await echoOf(await edgeOf().send('/', { headers: flood }))
    for (const [name, value] of Object.entries(flood)) expect(headers.get(name)).toBe(value)
  })

  it('is not confused by a client’s own atlas-* headers', async () => {
    const { send } = edgeOf(policyOf({ headers: { decision: true } }))
    const response = await send('/', {
      headers: {
        'atlas-decision': 'mode=LOOSE',
        'atlas-target': 'http://evil.example',
        'atlas-deadline-ms': 'x',
      },
    })
    expect(response.headers.get('atlas-decision')).toMatch(/^mode=TIGHT, policy="default", version=0/)
    const { headers } = await echoOf(response)
    expect(headers.get('atlas-deadline-ms')).toBe('30000')
    expect(headers.has('atlas-decision')).toBe(false)
  })

  it('bounds what it remembers of a key: a key of 8 kB limits as well as a short one', async () => {
    const { send } = edgeOf(
      policyOf({ limits: [{ name: 'by-key', key: 'header:authorization', rps: 0.01, burst: 1 }] }),
    )
    const key = (tail: string) => ({ headers: { authorization: `Bearer ${'k'.repeat(8000)}${tail}` } })
    expect((await send('/', key('a'))).status).toBe(200)
    expect((await send('/', key('a'))).status).toBe(429)
    expect((await send('/', key('b'))).status).toBe(200)
  })
})
