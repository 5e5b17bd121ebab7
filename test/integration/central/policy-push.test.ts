import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSignedPolicy } from '../../../contract/signed-policy.ts'
import { until } from '../../support/until.ts'
import { ack, POLICY } from '../../unit/central/messages.ts'
import { CentralFixture } from './central-fixture.ts'
import { NatsFixture, publish } from './nats-fixture.ts'

const nats = new NatsFixture(['fra1', 'ams2'])
const central = new CentralFixture(nats)
const text = (level: number) => JSON.stringify({ ...POLICY, autonomyLevel: level })

interface Problem {
  status: number
  code: string
  detail: string
  faults?: { path: string; message: string }[]
}

beforeAll(async () => {
  await nats.start()
  await central.start()
  await until('central is connected', () => central.connected())
})

afterAll(async () => {
  await central.stop()
  await nats.remove()
})

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return (await response.json()) as Problem
}

describe('policy push', () => {
  it('makes version 1, signed so that a PoP that trusts the key can open it', async () => {
    const response = await central.put('/v1/policies/first', text(1))
    expect([response.status, response.headers.get('etag')]).toEqual([201, '"1"'])
    const signed = await central.get('/v1/policies/first', {
      accept: 'application/vnd.atlas.signed-policy+json',
    })
    const { keyId, publicKey } = central.key ?? { keyId: '', publicKey: '' }
    const opened = await openSignedPolicy(await signed.text(), { [keyId]: publicKey })
    expect([opened.name, opened.version, opened.policy.autonomyLevel]).toEqual(['first', 1, 1])
  })

  it('asks a change to name the version it was made from, and refuses one made from an old version', async () => {
    await central.put('/v1/policies/cas', text(1))
    expect((await central.put('/v1/policies/cas', text(2))).status).toBe(428)
    expect((await central.put('/v1/policies/cas', text(2), { 'if-match': '*' })).status).toBe(428)
    expect((await central.put('/v1/policies/cas', text(2), { 'if-match': '"1"' })).status).toBe(200)
    const late = await central.put('/v1/policies/cas', text(3), { 'if-match': '"1"' })
    expect(await problemOf(late)).toMatchObject({ status: 412, code: 'policy/conflict' })
    expect((await central.put('/v1/policies/cas', text(3), { 'if-none-match': '*' })).status).toBe(412)
  })

  it('goes on from the last version that can be read when the key was deleted or overwritten by hand', async () => {
    await central.put('/v1/policies/mended', text(1))
    await central.put('/v1/policies/mended', text(2), { 'if-match': '"1"' })
    const connection = await nats.connectAs(nats.central)
    for (const spoil of ['not a policy', '']) {
      await connection.jetstream().publish('$KV.atlas_policy.mended', spoil)
      expect((await central.get('/v1/policies')).status).toBe(200)
      const got = await central.get('/v1/policies/mended')
      const version = got.headers.get('etag') ?? ''
      expect((await central.put('/v1/policies/mended', text(3), { 'if-match': version })).status).toBe(200)
    }
    expect((await central.get('/v1/policies/mended')).headers.get('etag')).toBe('"4"')
    await connection.close()
  })

  it('lets exactly one of many simultaneous pushes from one version win', async () => {
    await central.put('/v1/policies/race', text(1))
    const statuses = await Promise.all(
      [0, 1, 2, 3, 4, 0, 1, 2].map(
        async (level) => (await central.put('/v1/policies/race', text(level), { 'if-match': '"1"' })).status,
      ),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 412)).toHaveLength(7)
    expect((await central.get('/v1/policies/race')).headers.get('etag')).toBe('"2"')
  })

  it('goes up in version when old content is pushed again, and keeps who, when and every version', async () => {
    await central.put('/v1/policies/back', text(1))
    await central.put('/v1/policies/back', text(2), { 'if-match': '"1"' })
    await central.put('/v1/policies/back', text(1), { 'if-match': '"2"' })
    const { versions } = await central.json<{
      versions: { version: number; by: string; issuedAtMs: number }[]
    }>('/v1/policies/back/history')
    expect(versions.map(({ version, by }) => [version, by])).toEqual([
      [3, 'pusher'],
      [2, 'pusher'],
      [1, 'pusher'],
    ])
    expect(versions.every(({ issuedAtMs }) => Math.abs(Date.now() - issuedAtMs) < 60_000)).toBe(true)
    expect(await central.json('/v1/policies/back?version=2')).toMatchObject({ autonomyLevel: 2 })
    expect((await central.get('/v1/policies/back?version=9')).status).toBe(404)
  })

  it('takes and gives YAML', async () => {
    const yaml =
      'apiVersion: atlas/v1\norigin: http://127.0.0.1:9000\nmodules:\n  - {name: app, routes: [/*]}\n'
    expect((await central.put('/v1/policies/yaml', yaml)).status).toBe(201)
    const response = await central.get('/v1/policies/yaml', { accept: 'application/yaml' })
    expect(response.headers.get('content-type')).toBe('application/yaml')
    expect(await response.text()).toContain('origin: http://127.0.0.1:9000')
  })

  it('refuses a policy with faults, names their paths, and stores nothing', async () => {
    const faulty = { ...POLICY, coupling: { hybrid: ['cart'], looseEnter: 3 } }
    const invalid = await problemOf(await central.put('/v1/policies/faulty', JSON.stringify(faulty)))
    expect(invalid).toMatchObject({
      status: 422,
      code: 'policy/invalid',
      faults: [{ path: 'coupling.looseEnter' }],
    })
    const unknown = { ...POLICY, coupling: { hybrid: ['cart'] } }
    const crossed = await problemOf(await central.put('/v1/policies/faulty', JSON.stringify(unknown)))
    expect(crossed.faults?.[0]?.path).toBe('coupling.hybrid.0')
    const broken = await problemOf(await central.put('/v1/policies/faulty', 'a: 1\na: 2'))
    expect(broken).toMatchObject({
      status: 422,
      code: 'policy/syntax',
      faults: [{ path: 'line 2, column 1' }],
    })
    expect((await central.get('/v1/policies/faulty')).status).toBe(404)
  })

  it('shows in a dry run what would change, and changes nothing', async () => {
    await central.put('/v1/policies/dry', text(1))
    const response = await central.put('/v1/policies/dry?dryRun=true', text(4))
    expect(await response.json()).toMatchObject({
      dryRun: true,
      version: 2,
      changes: [{ path: 'autonomyLevel', before: 1, after: 4 }],
    })
    expect((await central.get('/v1/policies/dry')).headers.get('etag')).toBe('"1"')
  })

  it('refuses a body that is too large before it reads all of it', async () => {
    const response = await central.put('/v1/policies/large', `# ${'x'.repeat(300_000)}`)
    expect(response.status).toBe(413)
  })

  it('writes each change into the audit stream with who made it', async () => {
    await central.put('/v1/policies/audited', text(1))
    const connection = await nats.connectAs(nats.central)
    const manager = await connection.jetstreamManager()
    const stored = await manager.streams.getMessage('ATLAS_AUDIT', {
      last_by_subj: 'atlas.audit.central.policy',
    })
    await connection.close()
    expect(stored.json()).toMatchObject({ kind: 'policy', name: 'audited', version: 1, by: 'pusher' })
  })
})

describe('rights', () => {
  it('lets a read token read but not push, and no token push at all', async () => {
    const asReader = { authorization: `Bearer ${central.tokens.read}` }
    expect((await central.put('/v1/policies/x', text(1), asReader)).status).toBe(403)
    const bare = await fetch(`${central.url}/v1/policies/x`, { method: 'PUT', body: text(1) })
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="atlas"'])
  })

  it('answers 429 after too many wrong tokens, while the right one still passes', async () => {
    const wrong = { authorization: 'Bearer nonsense' }
    const statuses: number[] = []
    for (let attempt = 0; attempt < 12; attempt++)
      statuses.push((await central.get('/v1/pops', wrong)).status)
    expect(statuses.slice(0, 10).every((status) => status === 401)).toBe(true)
    expect(statuses.slice(10)).toEqual([429, 429])
    expect((await central.get('/v1/pops', { authorization: `Bearer ${central.tokens.read}` })).status).toBe(
      200,
    )
  })

  it('keeps tokens out of its log', () => {
    const log = central.lines.join('\n')
    for (const token of Object.values(central.tokens)) expect(log).not.toContain(token)
  })
})

describe('rollout', () => {
  it('shows per PoP what it answered, how long it took, and why it refused', async () => {
    await central.put('/v1/policies/rolled', text(1))
    const [fra1, ams2] = [await nats.connectAsPop('fra1'), await nats.connectAsPop('ams2')]
    await publish(fra1, ack('fra1', 1, { policy: 'rolled', issuedAtMs: 1_000, appliedAtMs: 1_042 }))
    const faults = [{ path: 'modules.0.loose', message: 'binding:CART is not bound here' }]
    await publish(
      ams2,
      ack('ams2', 1, {
        policy: 'rolled',
        outcome: 'rejected',
        code: 'policy/invalid',
        reason: 'unknown binding',
        faults,
      }),
    )
    const rollout = () => central.json<{ version: number; pops: object[] }>('/v1/policies/rolled/rollout')
    await until('both acknowledged', async () => (await rollout()).pops.length === 2)
    expect((await rollout()).pops).toMatchObject([
      { pop: 'ams2', state: 'rejected', running: null, reason: 'unknown binding', faults },
      { pop: 'fra1', state: 'applied', running: 1, latencyMs: 42, stale: false },
    ])
    await fra1.close()
    await ams2.close()
  })
})
