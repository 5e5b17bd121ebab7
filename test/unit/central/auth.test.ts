import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { FailureLimit } from '../../../central/auth/failure-limit.ts'
import { createGuard } from '../../../central/auth/guard.ts'
import { allows, createToken, findToken, parseTokenFile } from '../../../central/auth/token-file.ts'

const reader = createToken('reader', ['read'])
const pusher = createToken('pusher', ['push'])
const file = { tokens: [reader.entry, pusher.entry] }

function app(openRead: boolean): Hono {
  const guard = createGuard({
    tokens: () => file,
    openRead,
    limit: new FailureLimit({ failures: 2, windowMs: 60_000 }),
    wallMs: () => 0,
    addressOf: () => 'somewhere',
    onFailure: () => undefined,
  })
  return new Hono()
    .get('/', guard('read'), (context) => context.text(context.get('caller') ?? 'open'))
    .put('/', guard('push'), (context) => context.text(context.get('caller') ?? 'open'))
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}`, host: 'localhost' })

describe('tokens', () => {
  it('are found by hash alone; the file holds no token', () => {
    expect(JSON.stringify(file)).not.toContain(reader.token)
    expect(findToken(file, reader.token)?.name).toBe('reader')
    expect(findToken(file, `${reader.token}x`)).toBeNull()
  })

  it('include the lesser scopes', () => {
    expect(allows(pusher.entry, 'read')).toBe(true)
    expect(allows(pusher.entry, 'admin')).toBe(false)
    expect(allows(reader.entry, 'push')).toBe(false)
  })

  it('are refused in a file with a fault, whose path is named', () => {
    expect(() => parseTokenFile('{"tokens":[{"name":"a","sha256":"00","scopes":["read"]}]}')).toThrow(
      /tokens\.0\.sha256/,
    )
    expect(() => parseTokenFile('nonsense')).toThrow(/not JSON/)
  })
})

describe('guard', () => {
  it('lets a token do what its scope says and no more', async () => {
    const put = (token: string) => app(false).request('/', { method: 'PUT', headers: bearer(token) })
    expect(await (await put(pusher.token)).text()).toBe('pusher')
    expect((await put(reader.token)).status).toBe(403)
    expect((await app(false).request('/')).status).toBe(401)
  })

  it('opens reads on loopback, but not under a foreign Host, and never a push', async () => {
    const open = app(true)
    expect((await open.request('/', { headers: { host: '127.0.0.1:7070' } })).status).toBe(200)
    expect((await open.request('/', { headers: { host: 'evil.example' } })).status).toBe(403)
    expect((await open.request('/', { method: 'PUT', headers: { host: 'localhost' } })).status).toBe(401)
  })

  it('limits failures, names the wait, and still lets a right token pass', async () => {
    const open = app(true)
    const statuses: number[] = []
    for (const token of ['a', 'b', 'c'])
      statuses.push((await open.request('/', { headers: bearer(token) })).status)
    expect(statuses).toEqual([401, 401, 429])
    const limited = await open.request('/', { headers: bearer('d') })
    expect(limited.headers.get('retry-after')).toBe('60')
    expect((await open.request('/', { headers: bearer(reader.token) })).status).toBe(200)
  })
})

describe('FailureLimit', () => {
  it('forgets after its window, and the oldest address when there are too many', () => {
    const limit = new FailureLimit({ failures: 1, windowMs: 1_000, addresses: 2 })
    expect([limit.fail('a', 0), limit.fail('a', 400), limit.fail('a', 1_000)]).toEqual([0, 600, 0])
    limit.fail('b', 1_000)
    limit.fail('c', 1_000)
    expect(limit.fail('a', 1_001)).toBe(0)
  })
})
