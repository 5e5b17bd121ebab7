import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, nkeyAuthenticator } from 'nats.ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Overview } from '../../../central/registry/registry.ts'
import type { Stack } from '../../../central/up/stack.ts'
import { packModel } from '../../../contract/model/model-package.ts'
import type { Release } from '../../../contract/model/release.ts'
import { parsePolicy } from '../../../contract/policy.ts'
import type { PopStatus } from '../../../contract/pop-status.ts'
import { subjects } from '../../../contract/subjects.ts'
import { formOf, type ModelUpload, shippedModel, wrongModel } from '../../support/challenger.ts'
import { startOwnStack } from '../../support/stack.ts'
import { until as asked } from '../../support/until.ts'

/** Trace time runs 300 times as fast: an hour in 12 seconds, a tick every 15 seconds of it. */
const SPEED = 300
const TICK_MS = 50
/** 12 minutes of the series' time. */
const SHADOW_DAYS = 12 / 1440

let origin: Server
let stack: Stack
let good = ''
let wrong = ''
const visits = { made: 0, failed: 0, running: true }

function until<T>(what: string, find: () => Promise<T>) {
  const state = async () => ({ status: (await stack.status())?.models, api: await overview() })
  return asked(what, find, { limitMs: 100_000, everyMs: 100, state })
}

function status(what: string, test: (status: PopStatus) => boolean): Promise<PopStatus> {
  return until(what, async () => {
    const now = await stack.status()
    return now !== null && test(now) && now
  })
}

async function visit(): Promise<void> {
  while (visits.running) {
    visits.made += 1
    const text = await fetch(`${stack.urls.edges[0]}/x`)
      .then((response) => response.text())
      .catch(() => null)
    if (text !== 'ok') visits.failed += 1
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

function post(path: string, body: FormData | object): Promise<Response> {
  return fetch(`${stack.urls.central}/v1/models${path}`, {
    method: 'POST',
    body: body instanceof FormData ? body : JSON.stringify(body),
    headers: { authorization: `Bearer ${stack.operatorToken}` },
  })
}

async function put(upload: ModelUpload): Promise<string> {
  const answer = (await (await post('', formOf(upload))).json()) as { hash?: string; detail?: string }
  expect(answer.detail).toBeUndefined()
  return answer.hash ?? ''
}

async function release(path: string, body: object): Promise<Release> {
  const response = await post(path, body)
  const answer = (await response.json()) as Release & { detail?: string }
  expect(answer.detail).toBeUndefined()
  return answer
}

async function overview(): Promise<Overview> {
  return (await (await fetch(`${stack.urls.central}/v1/models`)).json()) as Overview
}

/** The release is in force at the PoP. */
const inForce = ({ version }: Release) =>
  status(`release ${version} is in force`, ({ models }) => models.release === version)

async function withNats(use: (nats: Awaited<ReturnType<typeof connect>>) => Promise<void>): Promise<void> {
  const seed = readFileSync(stack.state.file('keys', 'central.nkey'), 'utf8').trim()
  const nats = await connect({
    servers: stack.urls.nats ?? '',
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
  })
  await use(nats).finally(() => nats.close())
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
      forecast: { shadowDays: SHADOW_DAYS, probationDays: SHADOW_DAYS },
    }),
    tickMs: TICK_MS,
    timeScale: (nowMs) => ({ wallStartMs: nowMs, startMs: 1_790_000_000_000, speed: SPEED, weight: SPEED }),
  })
  await fetch(`${stack.urls.central}/v1/policies/default`, {
    method: 'PUT',
    body: JSON.stringify(stack.policy),
    headers: { authorization: `Bearer ${stack.operatorToken}`, 'if-none-match': '*' },
  })
  void visit()
})

afterAll(async () => {
  visits.running = false
  await stack?.stop()
  origin?.close()
})

describe('the life of a model at a PoP, over a real nats-server', { timeout: 240_000 }, () => {
  it('runs a challenger beside the champion, measures both, and promotes none that is not better', async () => {
    good = await put(shippedModel('good'))
    wrong = await put(await wrongModel('wrong'))
    const shadow = await release(`/${wrong}/shadow`, {})
    const { models } = await inForce(shadow)
    expect(models).toMatchObject({ champion: 'bundled', rival: wrong, error: null })

    const { pairing } = await until('both are measured', async () => {
      const now = await overview()
      return (now.pairing?.horizons.in60.count ?? 0) >= 30 && now
    })
    expect(pairing).toMatchObject({ rival: wrong, role: 'challenger', pops: ['local'], faults: {} })
    expect(pairing?.asked).toBeGreaterThan(10)
    expect(pairing?.ratio).toBeGreaterThan(1.02)
    const refused = (await (await post('/challenger/promote', {})).json()) as { code: string; detail: string }
    expect(refused).toMatchObject({ code: 'model/not-proven' })
    expect(refused.detail).toContain("times the champion's")
  })

  it('rolls a promotion back by itself when the model before it was better', async () => {
    const before = await stack.status()
    const forced = await release('/challenger/promote', { force: true, reason: 'a test' })
    const swapped = await inForce(forced)
    expect(swapped.models).toMatchObject({ champion: wrong, rival: 'bundled' })
    const back = await status(
      'central has rolled it back',
      ({ models }) => models.release > forced.version && models.champion === 'bundled',
    )
    expect(back.ticks).toBeGreaterThan(before?.ticks ?? 0)
    const { history } = await overview()
    expect(history[0]).toMatchObject({ action: 'rollback', by: 'central' })
    expect(history[0]?.reason).toContain('measured error of the model before')
  })

  it('promotes a challenger that is measurably better, and keeps it through kill -9', async () => {
    await inForce(await release(`/${wrong}/promote`, { force: true, reason: 'a bad champion to beat' }))
    await inForce(await release(`/${good}/shadow`, { force: true, reason: 'ends the probation' }))
    const promoted = await until('it is proven', async () => {
      const response = await post('/challenger/promote', {})
      return response.ok && ((await response.json()) as Release)
    })
    expect(promoted).toMatchObject({ champion: good, former: wrong, reason: '' })
    await inForce(promoted)
    const { failed } = visits
    expect(failed).toBe(0)
    const pid = stack.part('edge').pid
    stack.part('edge').kill('SIGKILL')
    const after = await until('the edge is back', async () => {
      const now = await stack.status()
      return stack.part('edge').pid !== pid && now
    })
    expect(after.models).toMatchObject({ champion: good, error: null })
  })

  it('refuses what is unsigned or not whole, keeps the champion, and says why', async () => {
    await withNats(async (nats) => {
      const jetstream = nats.jetstream()
      const forged = JSON.stringify({ v: 1, keyId: 'k', payload: '{}', signature: '' })
      await jetstream.publish(subjects.release('forecaster'), forged)
      const { models } = await status('it is refused', ({ models }) => models.error !== null)
      expect(models.error).toContain('model/unsigned')
      expect(models.champion).toBe(good)

      const other = await put(shippedModel('cut short'))
      const store = await jetstream.views.os('atlas_models')
      const { nuid = '' } = (await store.info(other)) ?? {}
      const manager = await nats.jetstreamManager()
      await manager.streams.purge('OBJ_atlas_models', { filter: subjects.objectChunks(nuid), keep: 1 })
      await release(`/${other}/shadow`, { force: true, reason: 'a test' })
      const cut = await status('it is refused', ({ models }) => models.error?.includes('truncated') === true)
      expect(cut.models).toMatchObject({ champion: good })
    })
    const ack = await until('the refusal is told', async () => {
      const pops = (await (await fetch(`${stack.urls.central}/v1/pops`)).json()) as {
        pops: { model?: { outcome: string; reason: string } }[]
      }
      return pops.pops[0]?.model?.outcome === 'rejected' && pops.pops[0].model
    })
    expect(ack.reason).toContain('truncated')
  })

  it('refuses a package that was exchanged under a valid release, by its hash, and keeps the champion', async () => {
    const named = await put(shippedModel('exchanged'))
    const forged = await wrongModel('forged')
    await withNats(async (nats) => {
      const store = await nats.jetstream().views.os('atlas_models')
      const options = { max_chunk_size: 128 * 1024 }
      await store.putBlob({ name: named, options }, packModel(forged.manifest, forged.model))
    })
    const { failed } = visits
    const { version } = await release(`/${named}/shadow`, { force: true, reason: 'a test' })
    const refused = await status('it is refused', ({ models }) => models.error?.includes('sha256') === true)
    expect(refused.models.error).toContain(`not ${named.slice(0, 12)}`)
    expect(refused.models).toMatchObject({ champion: good })
    expect(refused.models.release).toBeLessThan(version)
    expect(visits.failed).toBe(failed)
  })
})
