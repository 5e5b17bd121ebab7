import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, nkeyAuthenticator } from 'nats.ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AdaptationsShown } from '../../../central/registry/adaptations.ts'
import type { Overview } from '../../../central/registry/registry.ts'
import type { TrainingState } from '../../../central/training/training-state.ts'
import type { Stack } from '../../../central/up/stack.ts'
import { parsePolicy } from '../../../contract/policy.ts'
import type { PopStatus } from '../../../contract/pop-status.ts'
import { subjects } from '../../../contract/subjects.ts'
import { formOf, wrongModel } from '../../support/challenger.ts'
import { startOwnStack } from '../../support/stack.ts'
import { csvOf, habitual } from '../../support/traffic.ts'
import { until as asked } from '../../support/until.ts'

/** Trace time runs 300 times as fast: the hour that a forecast needs takes 12 seconds. */
const SPEED = 300

let origin: Server
let stack: Stack
let running = true
let hash = ''

function until<T>(what: string, find: () => Promise<T>) {
  const state = async () => ({
    models: (await stack.status())?.models,
    second: (await stack.status())?.second,
  })
  return asked(what, find, { limitMs: 100_000, everyMs: 100, state })
}

type Adapted = NonNullable<PopStatus['models']['adapted']>

function adapted(what: string, test: (adapted: Adapted) => boolean): Promise<Adapted> {
  return until(what, async () => {
    const now = (await stack.status())?.models.adapted
    return now != null && test(now) && now
  })
}

async function central<T>(method: string, path: string, body?: string | FormData): Promise<T> {
  const headers = { authorization: `Bearer ${stack.operatorToken}` }
  const response = await fetch(`${stack.urls.central}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  })
  const answer = (await response.json()) as T & { detail?: string }
  expect(answer.detail).toBeUndefined()
  return answer
}

async function visit(): Promise<void> {
  while (running) {
    await fetch(`${stack.urls.edges[0]}/x`)
      .then((response) => response.text())
      .catch(() => null)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

beforeAll(async () => {
  origin = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await new Promise((ready) => origin.once('listening', ready))
  const { port } = origin.address() as AddressInfo
  stack = await startOwnStack({
    policy: parsePolicy({
      apiVersion: 'atlas/v1',
      origin: `http://127.0.0.1:${port}`,
      modules: [{ name: 'app', routes: ['/*'] }],
    }),
    tickMs: 50,
    timeScale: (nowMs) => ({ wallStartMs: nowMs, startMs: 1_790_000_000_000, speed: SPEED, weight: SPEED }),
  })
  void visit()
})

afterAll(async () => {
  running = false
  await stack?.stop()
  origin?.close()
})

describe('regressions of a PoP’s own series, over a real nats-server', { timeout: 200_000 }, () => {
  it('are trained by central, taken by the PoP, and run beside the bundled model', async () => {
    await central('POST', '/v1/models/adaptations/local?quick=1', csvOf(habitual(1_400)))
    const training = await until('central has trained', async () => {
      const { training } = await central<{ training: TrainingState }>('GET', '/v1/models/training')
      return training.state !== 'running' && training
    })
    expect(training).toMatchObject({ state: 'done', adaptations: [{ pop: 'local', version: 1 }] })
    const now = await adapted('they are in use', (told) => told.hash !== null)
    expect(now).toMatchObject({ version: 1, fault: null })
    hash = now.hash ?? ''
    const told = await until('central hears of it', async () => {
      const { adaptations } = await central<{ adaptations: AdaptationsShown[] }>(
        'GET',
        '/v1/models/adaptations',
      )
      return adaptations[0]?.told?.hash === hash && adaptations[0]
    })
    expect(told.entries).toMatchObject([{ hash, series: 'total' }])
    const status = await stack.status()
    expect(status?.models).toMatchObject({ champion: 'bundled', error: null })
    expect(status?.second?.forecaster.kind).not.toBe('warming')
  })

  it('are in use again after kill -9 of the edge', async () => {
    const { pid } = stack.part('edge')
    stack.part('edge').kill('SIGKILL')
    await until('the edge is back', async () => stack.part('edge').pid !== pid && (await stack.status()))
    await adapted('they are in use', (told) => told.hash === hash)
  })

  it('stay unused beside another reference, which the PoP says, and come back with theirs', async () => {
    const wrong = await central<{ hash: string }>('POST', '/v1/models', formOf(await wrongModel('wrong')))
    const forced = JSON.stringify({ force: true, reason: 'a test' })
    await central('POST', `/v1/models/${wrong.hash}/promote`, forced)
    const unused = await adapted('they are unused', (told) => told.hash === null && told.fault !== null)
    expect(unused.fault).toMatch(/fitted beside another reference/)
    const { models, second } = await until('it goes on', async () => {
      const now = await stack.status()
      return now?.models.champion === wrong.hash && now
    })
    expect(models.error).toBeNull()
    expect(second?.forecaster.kind).not.toBe('warming')
    await central('POST', '/v1/models/rollback', '{}')
    await adapted('they are in use', (told) => told.hash === hash)
  })

  it('that nobody signed are refused with the reason, and those in use stay; none are run once withdrawn', async () => {
    const seed = readFileSync(stack.state.file('keys', 'central.nkey'))
    const nats = await connect({ servers: stack.urls.nats ?? '', authenticator: nkeyAuthenticator(seed) })
    const forged = JSON.stringify({ v: 1, keyId: 'k', payload: '{}', signature: '' })
    await nats.jetstream().publish(subjects.adaptation('local'), forged)
    await nats.close()
    const refused = await adapted('it is refused', (told) => told.fault !== null)
    expect(refused).toMatchObject({ version: 1, hash })
    expect(refused.fault).toMatch(/model\/unsigned/)
    await central('DELETE', '/v1/models/adaptations/local')
    await adapted(
      'none are in use',
      (told) => told.version === 2 && told.hash === null && told.fault === null,
    )
  })

  it('and a new reference for all, which goes into shadow and decides nothing', async () => {
    await central('POST', '/v1/models/train', JSON.stringify({ global: true, quick: true, reason: 'a try' }))
    const training = await until('central has trained', async () => {
      const { training } = await central<{ training: TrainingState }>('GET', '/v1/models/training')
      return training.state !== 'running' && training
    })
    expect(training).toMatchObject({ state: 'done', error: null, model: { inShadow: true } })
    const { model } = training
    const models = await until('the PoP runs it beside the champion', async () => {
      const now = (await stack.status())?.models
      return now?.rival === model?.hash && now
    })
    expect(models).toMatchObject({ champion: 'bundled', error: null })
    const { release } = await central<Overview>('GET', '/v1/models')
    expect(release).toMatchObject({ action: 'shadow', reason: 'training by demand: a try' })
  })
})
