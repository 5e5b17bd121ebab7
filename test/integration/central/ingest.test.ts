import type { NatsConnection } from 'nats.ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { subjects } from '../../../contract/subjects.ts'
import { until } from '../../support/until.ts'
import { ack, alert, decision, minute, POLICY, second } from '../../unit/central/messages.ts'
import { CentralFixture } from './central-fixture.ts'
import { NatsFixture, publish } from './nats-fixture.ts'

const nats = new NatsFixture(['fra1', 'ams2'])
const central = new CentralFixture(nats)
let pop: NatsConnection

interface PopAnswer {
  second: { seq: number; rps: number } | null
  seconds: { rps: number }[]
  minutes: { seq: number }[]
  stale: boolean
}

const popAnswer = (name: string) => central.json<PopAnswer>(`/v1/pops/${name}`)
const lastSeq = async (name: string) => (await popAnswer(name)).second?.seq ?? 0
const metrics = async () => (await central.get('/metrics')).text()

beforeAll(async () => {
  await nats.start()
  await central.start()
  await until('central is connected', () => central.connected())
  pop = await nats.connectAsPop('fra1')
})

afterAll(async () => {
  await pop?.close()
  await central.stop()
  await nats.remove()
})

describe('ingest', () => {
  it('takes each message once and in order, however often an outbox sends it', async () => {
    for (const seq of [1, 2, 3, 2, 3, 4, 1, 5]) await publish(pop, second('fra1', seq))
    await until('the last arrived', async () => (await lastSeq('fra1')) === 5)
    expect((await popAnswer('fra1')).seconds.map(({ rps }) => rps)).toEqual([1, 2, 3, 4, 5])
    expect(await metrics()).toContain('atlas_central_messages_total{outcome="repeated"} 3')
  })

  it('counts and skips what is no message, and a message under the subject of another PoP', async () => {
    const other = await nats.connectAsPop('ams2')
    await other.request(subjects.second('ams2'), 'not JSON')
    await other.request(subjects.second('ams2'), JSON.stringify(second('fra1', 999)))
    await other.request(subjects.second('ams2'), JSON.stringify({ ...second('ams2', 1), extra: true }))
    await publish(other, second('ams2', 1))
    await until('the good one arrived', async () => (await central.get('/v1/pops/ams2')).ok)
    await other.close()
    expect(await metrics()).toContain('atlas_central_messages_total{outcome="refused"} 3')
    expect(await lastSeq('fra1')).toBe(5)
    expect(central.lines.filter((line) => line.startsWith('message refused'))).toHaveLength(3)
  })

  it('explains a decision in words', async () => {
    await publish(pop, decision('fra1', 6))
    await until('decision arrived', async () => (await central.get('/v1/decisions/d-6')).ok)
    const { explanation } = await central.json<{ explanation: { why: string } }>(
      '/v1/decisions/last?pop=fra1',
    )
    expect(explanation.why).toBe(
      'Rule "surge-loose": the predicted load of 6,000 rps is above looseEnterRps (5,000 rps).',
    )
  })

  it('calls a PoP stale that has fallen silent', async () => {
    await until('fra1 is stale', async () => (await popAnswer('fra1')).stale)
  })
})

interface AlertsAnswer {
  alerts: { id: string; state: string; events: unknown[] }[]
}

describe('central restarted', () => {
  it('has the same alerts again, counted as before', async () => {
    await publish(pop, alert('fra1', 6, { id: 'a-6' }))
    await publish(pop, alert('fra1', 7, { id: 'a-6', event: 'escalated', level: 'region' }))
    await publish(pop, alert('fra1', 8, { id: 'a-6', event: 'closed', level: 'region', endMs: 7_000 }))
    await publish(pop, alert('fra1', 9, { id: 'a-9' }))
    const alerts = async (query: string) => (await central.json<AlertsAnswer>(`/v1/alerts${query}`)).alerts
    await until('alerts arrived', async () => (await alerts('?open=true')).length === 1)
    const before = await alerts('')
    const counted = async () => (await metrics()).match(/^atlas_alert.*$/gm)
    const countedBefore = await counted()
    expect(before.map(({ id, state, events }) => [id, state, events.length]).sort()).toEqual([
      ['a-6', 'closed', 3],
      ['a-9', 'open', 1],
    ])
    expect(countedBefore).toContain('atlas_alerts_total{pop="fra1",level="region"} 1')
    expect(countedBefore).toContain('atlas_alert_open{pop="fra1"} 1')
    await central.stop()
    await central.start()
    await until('alerts are there again', async () => (await alerts('')).length === 2)
    await until('fra1 is there again', async () => (await central.get('/v1/pops/fra1')).ok)
    expect(await alerts('')).toEqual(before)
    expect(await counted()).toEqual(countedBefore)
    const { explanation } = await central.json<{ explanation: { suspects: string[] } }>('/v1/alerts/a-9')
    expect(explanation.suspects[0]).toContain('site → cart')
  })

  it('has the same picture again, from the streams alone', async () => {
    await publish(pop, minute('fra1', 7))
    await publish(pop, ack('fra1', 8))
    await until('minute arrived', async () => (await popAnswer('fra1')).minutes.length === 1)
    await central.stop()
    await central.start()
    await until('central is connected', () => central.connected())
    await until(
      'rebuilt',
      async () => (await central.get('/v1/pops/fra1')).ok && (await popAnswer('fra1')).seconds.length === 5,
    )
    await until('decision is there again', async () => (await central.get('/v1/decisions/d-6')).ok)
    expect((await popAnswer('fra1')).minutes.map(({ seq }) => seq)).toEqual([7])
  })
})

describe('nats-server killed in mid-traffic', () => {
  it('leaves central serving, and it takes everything up in order when the server is back', async () => {
    for (let seq = 10; seq < 40; seq++) await publish(pop, second('fra1', seq))
    await nats.kill()
    await until('central says so', async () => !(await central.connected()))
    const health = await central.json<{ status: string; nats: { state: string } }>('/healthz')
    expect([health.status, health.nats.state]).toEqual(['degraded', 'disconnected'])
    expect((await popAnswer('fra1')).second?.seq).toBeGreaterThanOrEqual(10)
    const push = await central.put('/v1/policies/default', JSON.stringify(POLICY))
    expect([push.status, push.headers.get('retry-after')]).toEqual([503, '2'])

    await nats.start()
    await until('central is back', () => central.connected())
    pop = await nats.connectAsPop('fra1')
    for (let seq = 35; seq < 60; seq++) await publish(pop, second('fra1', seq))
    await until('all arrived', async () => (await lastSeq('fra1')) === 59)
    const rates = (await popAnswer('fra1')).seconds.map(({ rps }) => rps)
    expect(rates).toEqual([1, 2, 3, 4, 5, ...Array.from({ length: 50 }, (_, index) => index + 10)])
    expect((await central.put('/v1/policies/default', JSON.stringify(POLICY))).status).toBe(201)
  })
})

describe('live stream', () => {
  it('begins with a snapshot and goes on with what happens', async () => {
    const response = await central.get('/v1/stream')
    const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const seen = async (what: string) => {
      while (!text.includes(what)) text += (await reader.read()).value ?? ''
    }
    await seen('event: snapshot')
    await publish(pop, second('fra1', 100))
    await seen('"seq":100')
    expect(text.indexOf('event: snapshot')).toBeLessThan(text.indexOf('event: second'))
    await publish(pop, alert('fra1', 101, { id: 'a-101' }))
    await seen('event: alert')
    await seen('"state":"open"')
    await reader.cancel()
    await until('listener is gone', async () => (await metrics()).includes('atlas_central_listeners 0'))
  })

  it('is refused to a client that has 16 open, and to nobody else; a place that is given back is free', async () => {
    const reader = { authorization: `Bearer ${central.tokens.read}` }
    const open = await Promise.all(Array.from({ length: 16 }, () => central.get('/v1/stream')))
    expect(open.map(({ status }) => status)).toEqual(Array(16).fill(200))
    const refused = await central.get('/v1/stream')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
    expect(await refused.json()).toMatchObject({ code: 'busy' })
    const other = await central.get('/v1/stream', reader)
    expect(other.status).toBe(200)
    await open[0]?.body?.cancel()
    const again = await until('the place is free', async () => {
      const response = await central.get('/v1/stream')
      if (response.ok) return response
      await response.body?.cancel()
      return null
    })
    await Promise.all([...open.slice(1), other, again].map(({ body }) => body?.cancel()))
    await until('listeners are gone', async () => (await metrics()).includes('atlas_central_listeners 0'))
  })
})
