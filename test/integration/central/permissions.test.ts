import { Events, type NatsConnection } from 'nats.ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS, ensureStreams } from '../../../central/nats/streams.ts'
import {
  MODEL_BUCKET,
  MODEL_STREAM,
  POLICY_STREAM,
  RELEASE_STREAM,
  STREAMS,
  subjects,
} from '../../../contract/subjects.ts'
import { fetchPackage, type ObjectReader } from '../../../edge/pop/model-fetch.ts'
import { until } from '../../support/until.ts'
import { second } from '../../unit/central/messages.ts'
import { NatsFixture, publish } from './nats-fixture.ts'

const nats = new NatsFixture(['fra1', 'ams2'])
let central: NatsConnection
let pop: NatsConnection

/** Permission faults the server has told this PoP's connection. */
const breaches: string[] = []

beforeAll(async () => {
  await nats.start()
  central = await nats.connectAs(nats.central)
  await ensureStreams(central)
  pop = await nats.connectAsPop('fra1')
  void watch(pop)
})

afterAll(async () => {
  await pop?.close()
  await central?.close()
  await nats.remove()
})

async function watch(connection: NatsConnection): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === Events.Error)
      breaches.push(`${status.permissionContext?.operation} ${status.permissionContext?.subject}`)
  }
}

/** The server refuses it: it says so, and no answer comes. */
async function refused(operation: string, subject: string, run: () => Promise<unknown>): Promise<void> {
  const answer = run().then(
    () => 'answered',
    () => 'refused',
  )
  await until(`server refuses ${operation} ${subject}`, () => breaches.includes(`${operation} ${subject}`))
  expect(await answer).toBe('refused')
}

const ask = (subject: string, body = '') => pop.request(subject, body, { timeout: 300 })

describe('what a PoP may do with its nkey', () => {
  it('publishes its own telemetry into the stream and hears that it was taken', async () => {
    await publish(pop, second('fra1', 1))
    const manager = await central.jetstreamManager()
    const stored = await manager.streams.getMessage(STREAMS.telemetry, {
      last_by_subj: subjects.second('fra1'),
    })
    expect(stored.json<{ seq: number }>().seq).toBe(1)
  })

  it('reads a policy by DIRECT.GET', async () => {
    await central.jetstream().publish(subjects.policy('default'), 'signed text')
    const query = JSON.stringify({ seq: 1, next_by_subj: subjects.policy('default') })
    const answer = await pop.request(subjects.directGet(POLICY_STREAM), query, { timeout: 2_000 })
    expect(answer.string()).toBe('signed text')
  })

  it('hears the hint when a policy is written', async () => {
    const hints: string[] = []
    pop.subscribe(subjects.policy('default'), { callback: (_, message) => hints.push(message.subject) })
    await pop.flush()
    await central.jetstream().publish(subjects.policy('default'), 'newer')
    await until('hint', () => hints.length > 0)
    expect(hints).toEqual([subjects.policy('default')])
  })

  it('reads a model by DIRECT.GET, chunk by chunk, and the release that names it', async () => {
    const { views } = central.jetstream()
    const store = await views.os(MODEL_BUCKET)
    const text = 'a package of some length'
    await store.putBlob({ name: 'deadbeef', options: { max_chunk_size: 10 } }, new TextEncoder().encode(text))
    const direct = async (query: object) => {
      const answer = await pop.request(subjects.directGet(MODEL_STREAM), JSON.stringify(query), {
        timeout: 2_000,
      })
      return answer.headers?.code === 404
        ? null
        : { seq: Number(answer.headers?.get('Nats-Sequence')), data: answer.data }
    }
    const reader: ObjectReader = {
      last: (subject) => direct({ last_by_subj: subject }),
      next: (subject, seq) => direct({ seq, next_by_subj: subject }),
    }
    expect(new TextDecoder().decode(await fetchPackage(reader, 'deadbeef'))).toBe(text)
    await central.jetstream().publish(subjects.release('forecaster'), 'signed release')
    const query = JSON.stringify({ last_by_subj: subjects.release('forecaster') })
    const release = await pop.request(subjects.directGet(RELEASE_STREAM), query, { timeout: 2_000 })
    expect(release.string()).toBe('signed release')
  })
})

describe('what the server refuses a PoP', () => {
  it('publishing, under its own name, what central has no stream for', async () => {
    const manager = await central.jetstreamManager()
    for (const kind of ['telemetry', 'ack', 'audit']) {
      const subject = `atlas.${kind}.fra1.anything`
      expect(await manager.streams.find(subject)).not.toBe('')
    }
    for (const kind of ['hold', 'crdt']) {
      const subject = `atlas.${kind}.fra1.anything`
      await refused('publish', subject, () => ask(subject, 'x'))
    }
  })

  it('publishing as another PoP', async () => {
    const subject = subjects.second('ams2')
    await refused('publish', subject, () => ask(subject, JSON.stringify(second('ams2', 1))))
  })

  it('publishing as central', async () => {
    await refused('publish', 'atlas.audit.central.policy', () => ask('atlas.audit.central.policy', '{}'))
  })

  it('creating a consumer, durable or not', async () => {
    for (const subject of [
      `$JS.API.CONSUMER.CREATE.${STREAMS.telemetry}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${STREAMS.telemetry}.mine`,
    ]) {
      const config = {
        stream_name: STREAMS.telemetry,
        config: { deliver_subject: 'atlas.telemetry.ams2.second', ack_policy: 'none' },
      }
      await refused('publish', subject, () => ask(subject, JSON.stringify(config)))
    }
  })

  it('writing a policy into the bucket', async () => {
    const subject = subjects.policy('default')
    await refused('publish', subject, () => ask(subject, 'forged'))
  })

  it('writing a model, a chunk of one, or a release', async () => {
    for (const subject of [
      subjects.objectMeta('deadbeef'),
      subjects.objectChunks('N1'),
      subjects.release('forecaster'),
    ])
      await refused('publish', subject, () => ask(subject, 'forged'))
  })

  it('deleting or purging a stream', async () => {
    for (const subject of [`$JS.API.STREAM.PURGE.${STREAMS.audit}`, `$JS.API.STREAM.DELETE.${STREAMS.audit}`])
      await refused('publish', subject, () => ask(subject))
  })

  it("reading another PoP's or central's inbox", async () => {
    for (const subject of [`${subjects.inbox('ams2')}.>`, '_INBOX.>', 'atlas.telemetry.ams2.>']) {
      await refused('subscription', subject, async () => {
        const subscription = pop.subscribe(subject)
        for await (const _ of subscription) return
        throw new Error('subscription ended')
      })
    }
  })
})

describe('the audit stream', () => {
  it('lets not even central delete or purge', async () => {
    const manager = await central.jetstreamManager()
    const stored = await central.jetstream().publish('atlas.audit.central.policy', '{}')
    await expect(manager.streams.deleteMessage(STREAMS.audit, stored.seq)).rejects.toThrow(/not permit/)
    await expect(manager.streams.purge(STREAMS.audit)).rejects.toThrow(/not permit/)
  })

  it('and the policy history survive making the streams a second time', async () => {
    await ensureStreams(central)
    const manager = await central.jetstreamManager()
    expect((await manager.streams.info(STREAMS.audit)).state.messages).toBeGreaterThan(0)
    expect((await manager.streams.info(POLICY_STREAM)).state.messages).toBe(2)
  })
})

describe('what a PoP may fill', () => {
  it.each(['audit', 'ack', 'telemetry'] as const)(
    'is bounded in the stream of %s, on any subject',
    async (kind) => {
      const most = 1024 ** 2
      const bytes = { telemetryBytes: most, minutesBytes: most, auditBytes: most, ackBytes: most }
      await ensureStreams(central, { ...DEFAULT_LIMITS, ...bytes })
      const flood = new Uint8Array(256 * 1024)
      for (let index = 0; index < 16; index++) pop.publish(`atlas.${kind}.fra1.junk${index}`, flood)
      await pop.flush()
      const manager = await central.jetstreamManager()
      const { state } = await manager.streams.info(STREAMS[kind])
      expect(state.messages).toBeGreaterThan(0)
      expect(state.bytes).toBeLessThanOrEqual(most)
    },
  )
})
