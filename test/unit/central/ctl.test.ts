import { afterEach, describe, expect, it, vi } from 'vitest'
import { Api } from '../../../central/ctl/api.ts'
import { type Invocation, UsageError } from '../../../central/ctl/command.ts'
import { findCommand, overview, subcommandsOf } from '../../../central/ctl/commands.ts'
import { readStamp, stamp } from '../../../central/ctl/policy-stamp.ts'
import { ago, plain, table } from '../../../central/ctl/table.ts'
import { explainAlert } from '../../../central/explain/explain-alert.ts'
import type { Alert } from '../../../central/ingest/alert-book.ts'
import { View } from '../../../central/ingest/view.ts'
import { alert } from './messages.ts'

describe('table', () => {
  it('lines columns up and lets no escape sequence through', () => {
    const text = table(
      [{ head: 'A' }, { head: 'N', right: true }],
      [
        ['x\u001b[31m', '5'],
        ['long name', '1,000'],
      ],
    )
    expect(text).toBe('A              N\nx?[31m         5\nlong name  1,000\n')
    expect(plain('a\r\nb\u202e')).toBe('a??b?')
  })

  it('says how long ago', () => {
    expect([0, 5_000, 120_000, 7_200_000].map(ago)).toEqual(['now', '5 s ago', '2 min ago', '2 h ago'])
  })
})

describe('commands', () => {
  it('are found by their words, the rest are arguments', () => {
    expect(findCommand(['policy', 'push', 'f.yaml'])).toMatchObject({
      command: { words: 'policy push' },
      rest: ['f.yaml'],
    })
    expect(findCommand(['policy'])).toBeNull()
    expect(overview()).toContain('atlasctl explain [last|ID]')
    expect(subcommandsOf(['policy'])).toContain('policy rollback')
    expect(subcommandsOf(['nothing'])).toBeNull()
  })

  it('know from a stamp which version a file was made from', () => {
    expect(readStamp(`${stamp('default', 7)}a: 1`)).toEqual({ name: 'default', version: 7 })
    expect(readStamp('a: 1')).toBeNull()
    expect(readStamp(stamp('default', 3, 7))).toBeNull()
    expect(stamp('default', 3, 7)).toContain('policy rollback default --to 3')
  })

  it('tell what an open read answers when a token nobody asked for is refused', async () => {
    vi.stubGlobal('fetch', (_: string, { headers }: { headers: Headers }) =>
      Promise.resolve(
        headers.has('authorization') ? problem(401, { title: 'No' }) : problem(404, { title: 'Not there' }),
      ),
    )
    const api = new Api({ url: 'http://central', token: 'old', optionalToken: true })
    await expect(api.json('/v1/alerts/x')).rejects.toThrow('Not there')
    vi.unstubAllGlobals()
  })

  it('say how to start central when it is not there', async () => {
    await expect(new Api({ url: 'http://127.0.0.1:1/', token: null }).send('/')).rejects.toThrow(
      'cannot reach central at http://127.0.0.1:1; start it with `npm start`',
    )
  })
})

function alertOf(): Alert {
  const view = new View()
  view.apply(alert('fra1', 90), 1)
  const found = view.alert('a-1')
  if (!found) throw new Error('no alert a-1')
  return found
}

/** A central of three versions, that keeps what was asked of it. */
function fakeCentral(flags: Partial<Invocation['flags']> = {}, args: readonly string[] = []) {
  const puts: { url: string; ifMatch: string | null; body: string }[] = []
  let printed = ''
  const content = (version: number) => ({ limits: [], clientIpHeader: 'x', content: Math.min(version, 3) })
  const server = (url: string, init: RequestInit = {}): Response => {
    const path = url.replace('http://central', '')
    if (init.method === 'PUT') {
      const body = String(init.body)
      puts.push({ url: path, ifMatch: new Headers(init.headers).get('if-match'), body })
      if (puts.at(-1)?.ifMatch !== '"3"')
        return problem(412, { title: 'The policy has changed', detail: 'send If-Match: "3"' })
      const changes = body.includes('"content":3') ? [] : [{ path: 'content', before: 3, after: 1 }]
      return Response.json({ name: 'default', version: 4, created: false, changes })
    }
    if (path.endsWith('/history'))
      return Response.json({ versions: [3, 2, 1].map((version) => ({ version, issuedAtMs: 0, by: null })) })
    if (path.endsWith('/rollout')) return Response.json({ name: 'default', version: 4, pops: [] })
    if (path === '/v1/pops') return Response.json({ nowMs: 0, nats: { state: 'connected' }, pops: [] })
    if (path.startsWith('/v1/alerts?'))
      return Response.json({ alerts: /pop=moon/.test(path) ? [] : [alertOf()] })
    if (path.startsWith('/v1/alerts/a-1'))
      return Response.json({ alert: alertOf(), explanation: explainAlert(alertOf()) })
    if (path.startsWith('/v1/alerts/') || path.startsWith('/v1/decisions/'))
      return problem(404, { title: 'There is no such thing', detail: 'none' })
    const version = Number(/version=(\d+)/.exec(path)?.[1] ?? 3)
    return Response.json(content(version), { headers: { etag: `"${version}"` } })
  }
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) => Promise.resolve(server(url, init)))
  const invocation: Invocation = {
    api: new Api({ url: 'http://central', token: 't' }),
    args,
    flags: {
      json: false,
      name: 'default',
      pop: null,
      version: null,
      to: null,
      dryRun: false,
      waitMs: 0,
      force: false,
      reason: null,
      manifest: null,
      fp32: null,
      file: null,
      global: false,
      quick: false,
      open: false,
      limit: null,
      ...flags,
    },
    print: (text) => {
      printed += text
    },
    readFile: () => JSON.stringify(content(3)),
    readBytes: () => new Uint8Array(),
    sleep: () => Promise.resolve(),
  }
  const run = async (words: string) => findCommand(words.split(' '))?.command.run(invocation)
  return { run, puts, printed: () => printed }
}

function problem(status: number, rest: object): Response {
  return new Response(JSON.stringify({ type: 'x', status, code: 'policy/conflict', ...rest }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

describe('policy commands', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('roll back to the version before, or to the one named, from the current one', async () => {
    const before = fakeCentral()
    await before.run('policy rollback')
    expect(before.puts.at(-1)).toMatchObject({ url: '/v1/policies/default', ifMatch: '"3"' })
    expect(before.puts.at(-1)?.body).toContain('"content":2')
    const named = fakeCentral({ to: '1' })
    await named.run('policy rollback')
    expect(named.puts.at(-1)?.body).toContain('"content":1')
    await expect(fakeCentral({ to: '9' }).run('policy rollback')).rejects.toThrow('no version 9')
    await expect(fakeCentral({ to: 'x' }).run('policy rollback')).rejects.toThrow(UsageError)
  })

  it('push nothing that is there already, unless forced', async () => {
    const same = fakeCentral({}, ['f.yaml'])
    await same.run('policy push')
    expect(same.puts.map(({ url }) => url)).toEqual(['/v1/policies/default?dryRun=true'])
    expect(same.printed()).toContain('nothing was pushed')
    const forced = fakeCentral({ force: true }, ['f.yaml'])
    await forced.run('policy push')
    expect(forced.puts).toHaveLength(2)
  })

  it('name the version to push over in a conflict, and no HTTP header', async () => {
    const old = fakeCentral({ version: '2' }, ['f.yaml'])
    await expect(old.run('policy push')).rejects.toThrow(/--version 3/)
    await expect(old.run('policy push')).rejects.not.toThrow(/If-Match/)
  })

  it('refuse a version that is no number as bad usage, and a PoP nobody heard of', async () => {
    await expect(fakeCentral({ version: 'x' }).run('policy get')).rejects.toThrow(UsageError)
    await expect(fakeCentral({ pop: 'moon' }).run('coupling show')).rejects.toThrow('no PoP "moon"')
  })
})

describe('alert commands', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('list alerts with level, state, first suspect and what was odd', async () => {
    const all = fakeCentral()
    await all.run('alerts')
    const odd = 'p95 latency of cart 320 ms (usually 40 ms), 1 more'
    expect(all.printed()).toBe(
      `SINCE                 POP   LEVEL  STATE  SUSPECT          ${'ODD'.padEnd(odd.length)}  ID
1970-01-01 00:01:00Z  fra1  alert  open   cart slow, 90 %  ${odd}  a-1
atlasctl explain ID says more
`,
    )
    const none = fakeCentral({ pop: 'moon', open: true })
    await none.run('alerts')
    expect(none.printed()).toBe('no alert is open\n')
    await expect(fakeCentral({ limit: '-1' }).run('alerts')).rejects.toThrow(UsageError)
  })

  it('explain an alert by its id, and say when an id is neither an alert nor a decision', async () => {
    const known = fakeCentral({}, ['a-1'])
    await known.run('explain')
    expect(known.printed()).toMatch(/^a-1 {2}fra1 {2}open\nPoP fra1 left its usual course at/)
    expect(known.printed()).toContain('  - cart is slow: 90 % of what the front door suffers')
    const json = fakeCentral({ json: true }, ['a-1'])
    await json.run('explain')
    expect(JSON.parse(json.printed())).toMatchObject({
      alert: { id: 'a-1' },
      explanation: { undiagnosed: null },
    })
    await expect(fakeCentral({}, ['zzz']).run('explain')).rejects.toThrow(
      'no decision and no alert is known by "zzz"',
    )
  })
})
