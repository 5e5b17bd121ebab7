import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AdaptationsShown } from '../../../central/registry/adaptations.ts'
import { parseExamples } from '../../../central/train/examples.ts'
import { MinuteStore } from '../../../central/training/minute-store.ts'
import { TrainingJournal } from '../../../central/training/training-journal.ts'
import type { TrainingState } from '../../../central/training/training-state.ts'
import { openAdaptation, openAdaptationRelease } from '../../../contract/model/adaptation.ts'
import { MINUTES_STREAM, STREAMS, subjects } from '../../../contract/subjects.ts'
import { fetchPackage, type ObjectReader } from '../../../edge/pop/model-fetch.ts'
import { csvOf, habitual } from '../../support/traffic.ts'
import { until as asked } from '../../support/until.ts'
import { alert, minute } from '../../unit/central/messages.ts'
import { CentralFixture } from './central-fixture.ts'
import { NatsFixture, publish } from './nats-fixture.ts'

const MINUTES = 1_400
const nats = new NatsFixture(['fra1', 'lax1'])
const central = new CentralFixture(nats)
const series = habitual(MINUTES)

const training = async () => (await central.json<{ training: TrainingState }>('/v1/models/training')).training

function until<T>(what: string, find: () => Promise<T>) {
  return asked(what, find, { limitMs: 90_000, everyMs: 50, state: training })
}

function call(method: string, path: string, body = '', token = central.tokens.push): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` }
  return fetch(`${central.url}/v1/models${path}`, { method, headers, ...(body !== '' && { body }) })
}

async function ended(): Promise<TrainingState> {
  return until('the training is over', async () => {
    const now = await training()
    return now?.state !== 'running' && now
  })
}

beforeAll(async () => {
  await nats.start()
  await central.start()
  await asked('central is connected', () => central.connected())
  const pop = await nats.connectAsPop('fra1')
  const minutes = Array.from(series.rps, (rps, at) => {
    const minuteStartMs = series.startMs + at * 60_000
    return minute('fra1', at + 1, { atMs: minuteStartMs + 61_000, minuteStartMs, rps })
  })
  for (let from = 0; from < MINUTES; from += 200)
    await Promise.all(minutes.slice(from, from + 200).map((message) => publish(pop, message)))
  await pop.close()
})

afterAll(async () => {
  await central.stop()
  await nats.remove()
})

describe('minutes of PoPs', () => {
  it('are kept in a stream of their own, filled by the server with minutes alone', async () => {
    const connection = await nats.connectAs(nats.central)
    const { streams } = await connection.jetstreamManager()
    await asked('all are there', async () => (await streams.info(MINUTES_STREAM)).state.messages >= MINUTES)
    const { config, state } = await streams.info(MINUTES_STREAM, { subjects_filter: '>' })
    expect(Object.keys(state.subjects ?? {})).toEqual([subjects.minute('fra1')])
    expect(config.max_age).toBe(35 * 86_400e9)
    expect((await streams.info(STREAMS.telemetry)).state.messages).toBeGreaterThanOrEqual(MINUTES)
    await connection.close()
  })

  it('are read without leaving a consumer behind, however often', async () => {
    const connection = await nats.connectAs(nats.central)
    const minutes = new MinuteStore(() => connection)
    for (let times = 0; times < 3; times++) expect((await minutes.series('fra1'))?.rps).toHaveLength(MINUTES)
    const { streams } = await connection.jetstreamManager()
    expect((await streams.info(MINUTES_STREAM)).state.consumer_count).toBe(0)
    await connection.close()
  })
})

describe('a training on demand', { timeout: 180_000 }, () => {
  it('fits a PoP to its recorded minutes, publishes what was better on the last fifth, signed and audited', async () => {
    const response = await call(
      'POST',
      '/train',
      JSON.stringify({ pops: ['fra1'], quick: true, reason: 'a try' }),
    )
    expect(response.status).toBe(202)
    expect((await call('POST', '/train')).status).toBe(409)
    const { state, error, adaptations, lines } = await ended()
    expect({ state, error }).toEqual({ state: 'done', error: null })
    expect(adaptations).toMatchObject([{ pop: 'fra1', version: 1, reason: '' }])
    expect(adaptations[0]?.ratio).toBeLessThan(0.9)
    expect(lines.join('\n')).toMatch(/fra1: fitting to 1120 of 1400 minutes/)

    const pop = await nats.connectAsPop('fra1')
    const { streams } = await (await nats.connectAs(nats.central)).jetstreamManager()
    const stored = await streams.getMessage('KV_atlas_models_index', {
      last_by_subj: subjects.adaptation('fra1'),
    })
    const { keyId = '', publicKey = '' } = central.key ?? {}
    const release = await openAdaptationRelease(stored.string(), { [keyId]: publicKey })
    expect(release).toMatchObject({ pop: 'fra1', version: 1, by: 'pusher' })
    const [entry] = release.entries
    const bytes = await fetchPackage(readerOf(pop), entry?.hash ?? '')
    const document = await openAdaptation(bytes, entry?.hash ?? '', {
      pop: 'fra1',
      series: 'total',
      beside: entry?.beside ?? '',
    })
    expect(document).toMatchObject({ fromMs: series.startMs, toMs: series.startMs + MINUTES * 60_000 })
    await pop.close()

    const entries = ['atlas.audit.central.training.pop.fra1', 'atlas.audit.central.model']
    const [whole, published] = await Promise.all(
      entries.map(async (subject) =>
        (await streams.getMessage('ATLAS_AUDIT', { last_by_subj: subject })).json<object>(),
      ),
    )
    expect(whole).toMatchObject({
      kind: 'training',
      trigger: 'demand',
      by: 'pusher',
      reason: 'a try',
      state: 'done',
    })
    expect(published).toMatchObject({ kind: 'adaptation-release', pop: 'fra1', version: 1 })
    const { adaptations: shown } = await central.json<{ adaptations: AdaptationsShown[] }>(
      '/v1/models/adaptations',
    )
    expect(shown).toMatchObject([{ pop: 'fra1', release: { version: 1 }, entries: [{ series: 'total' }] }])
    expect(shown[0]?.entries[0]?.ratio).toBeLessThan(0.9)
    const { models } = await central.json<{ models: object[] }>('/v1/models')
    expect(models).toEqual([])
  })

  it('takes a trace in place of recorded minutes, and says why a PoP without either gets none', async () => {
    expect((await call('POST', '/adaptations/lax1?quick=1', csvOf(series))).status).toBe(202)
    expect(await ended()).toMatchObject({ state: 'done', adaptations: [{ pop: 'lax1', version: 1 }] })
    expect((await call('POST', '/adaptations/nowhere')).status).toBe(202)
    const { adaptations } = await ended()
    expect(adaptations).toMatchObject([
      { pop: 'nowhere', version: null, reason: 'nothing is recorded of it' },
    ])
  })

  it('can be cancelled: its process ends, nothing is published, and the next one may begin', async () => {
    expect((await call('DELETE', '/training')).status).toBe(409)
    expect((await call('POST', '/adaptations/fra1')).status).toBe(202)
    await until('it fits', async () => (await training()).lines.length > 0)
    expect((await call('DELETE', '/training')).status).toBe(200)
    expect(await ended()).toMatchObject({ state: 'cancelled', adaptations: [], error: null })
    const { adaptations } = await central.json<{ adaptations: AdaptationsShown[] }>('/v1/models/adaptations')
    expect(adaptations.map(({ pop, release }) => [pop, release.version])).toEqual([
      ['fra1', 1],
      ['lax1', 1],
    ])
  })

  it('is withdrawn by an empty release of the next version', async () => {
    const response = await call('DELETE', '/adaptations/lax1?reason=enough')
    expect(await response.json()).toMatchObject({ version: 2, entries: [], reason: 'enough' })
    expect((await call('DELETE', '/adaptations/lax1')).status).toBe(412)
  })

  it.each([
    ['a trace of another step', '/adaptations/fra1', csvOf({ ...series, stepS: 300 }), 400, /steps of 300 s/],
    ['what is no trace', '/adaptations/fra1', 'a,b\nc,d\n', 400, /not a time/],
    ['an unknown wish', '/train', '{"champion":true}', 400, /champion/],
  ])('refuses %s', async (_, path, body, status, detail) => {
    const response = await call('POST', path, body)
    expect(response.status).toBe(status)
    expect(((await response.json()) as { detail: string }).detail).toMatch(detail)
  })

  it('asks for the right to push', async () => {
    for (const [method, path] of [
      ['POST', '/train'],
      ['POST', '/adaptations/fra1'],
      ['DELETE', '/training'],
    ] as const)
      expect((await call(method, path, '', central.tokens.read)).status).toBe(403)
  })
})

describe('what a schedule goes by', () => {
  it('is told by the streams: when the first minute was stored, and when a PoP was trained last', async () => {
    const connection = await nats.connectAs(nats.central)
    const minutes = new MinuteStore(() => connection)
    const onAuditLost = (reason: string) => expect.unreachable(reason)
    const journal = new TrainingJournal({ connection: () => connection, wallMs: Date.now, onAuditLost })
    const firstMs = (await minutes.firstStoredMs()) ?? 0
    expect(Math.abs(Date.now() - firstMs)).toBeLessThan(600_000)
    expect(await journal.lastMs('fra1')).toBeGreaterThan(firstMs)
    expect([await journal.lastMs('unknown'), await journal.lastMs()]).toEqual([null, null])
    expect((await call('POST', '/train', '{"quick":true}')).status).toBe(202)
    expect(await ended()).toMatchObject({
      state: 'done',
      pops: null,
      adaptations: [{ pop: 'fra1', version: 2 }],
    })
    const whole = await asked('it is written', () => journal.lastMs())
    expect(await journal.lastMs('unknown')).toBe(whole)
    await connection.close()
  })
})

describe('a new reference', { timeout: 120_000 }, () => {
  it('is trained from recorded minutes too, and fitted beside; one that cannot be stored keeps no PoP from its adaptation', async () => {
    expect((await call('POST', '/train', '{"quick":true,"global":true}')).status).toBe(202)
    const { state, error, lines, adaptations, model } = await ended()
    expect({ state, model }).toEqual({ state: 'failed', model: null })
    expect(error).toContain('ATLAS_CENTRAL_GAUGE')
    expect(lines.join('\n')).toMatch(/minutes of 1 PoPs, 0 incidents, generated traffic/)
    expect(lines.filter((line) => line.startsWith('fra1: fitting'))).toHaveLength(2)
    expect(adaptations).toMatchObject([{ pop: 'fra1', version: 3, reason: '' }])
  })
})

describe('recorded incidents', () => {
  it('are told as windows of the minutes around them, which a training reads', async () => {
    expect(await central.json('/v1/models/examples')).toMatchObject({ examples: [] })
    const pop = await nats.connectAsPop('fra1')
    const sinceMs = series.startMs + 600 * 60_000
    const told = { sinceMs, endMs: sinceMs + 20 * 60_000, event: 'closed' } as const
    await publish(pop, alert('fra1', MINUTES + 1, told))
    await pop.close()
    const text = await (await central.get('/v1/models/examples?pop=fra1')).text()
    const [example] = parseExamples('answer', text)
    expect(example).toMatchObject({ name: 'fra1 incident', startMs: sinceMs - 3_600_000 })
    expect([...(example?.rps ?? [])]).toEqual(
      [...series.rps.subarray(540, 680)].map((rps) => Math.round(rps * 1e4) / 1e4),
    )
    expect(await central.json('/v1/models/examples?pop=lax1')).toMatchObject({ examples: [] })
  })
})

describe('a training in a process of its own', () => {
  it('has the lowest priority, and ends with central', async () => {
    expect((await call('POST', '/adaptations/fra1')).status).toBe(202)
    const pid = await until('it runs', async () => trainings()[0])
    expect(getPriority(pid)).toBe(19)
    await central.stop()
    expect(trainings()).toEqual([])
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

/** Trainings that this process has started and that have not ended. */
function trainings(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  return children
    .split(' ')
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('job.node.ts'))
    .map(Number)
}

/** Reads the object store as a PoP does. */
function readerOf(connection: Awaited<ReturnType<NatsFixture['connectAsPop']>>): ObjectReader {
  const get = async (request: object) => {
    const answer = await connection.request(subjects.directGet('OBJ_atlas_models'), JSON.stringify(request))
    if (answer.headers?.code === 404) return null
    return { seq: Number(answer.headers?.get('Nats-Sequence')), data: answer.data }
  }
  return {
    last: (subject) => get({ last_by_subj: subject }),
    next: (subject, seq) => get({ seq, next_by_subj: subject }),
  }
}
