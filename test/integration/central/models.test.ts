import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelEntry } from '../../../central/registry/model-store.ts'
import { bundleEdge } from '../../../central/up/bundle.ts'
import { writeGauge } from '../../../central/up/gauge.ts'
import type { Release } from '../../../contract/model/release.ts'
import { formOf, type ModelUpload, shippedModel, withModel } from '../../support/challenger.ts'
import { nanModel, otherShape, slowModel } from '../../support/costly-models.ts'
import { ROOT } from '../../support/stack.ts'
import { until } from '../../support/until.ts'
import { CentralFixture } from './central-fixture.ts'
import { NatsFixture } from './nats-fixture.ts'

const nats = new NatsFixture(['fra1'])
const central = new CentralFixture(nats)

beforeAll(async () => {
  await nats.start()
  await central.start(writeGauge(ROOT, await bundleEdge(ROOT, join(ROOT, '.atlas/cache')), nats.dir))
  await until('central is connected', () => central.connected())
})

afterAll(async () => {
  await central.stop()
  await nats.remove()
})

function post(path: string, body: FormData | object, token = central.tokens.push): Promise<Response> {
  return fetch(`${central.url}/v1/models${path}`, {
    method: 'POST',
    body: body instanceof FormData ? body : JSON.stringify(body),
    headers: { authorization: `Bearer ${token}` },
  })
}

async function put(upload: ModelUpload): Promise<string> {
  const response = await post('', formOf(upload))
  expect([response.status, response.ok ? '' : await response.text()]).toEqual([201, ''])
  return ((await response.json()) as { hash: string }).hash
}

async function refusal(response: Response): Promise<{ status: number; code: string; detail: string }> {
  const { code, detail } = (await response.json()) as { code: string; detail: string }
  return { status: response.status, code, detail }
}

const shipped = shippedModel('one')

describe('putting a model', () => {
  it('stores one that works under the hash of its package, once', async () => {
    const hash = await put(shipped)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(await put(shipped)).toBe(hash)
    const { models } = await central.json<{ models: ModelEntry[] }>('/v1/models')
    expect(models).toMatchObject([{ hash, name: 'one', by: 'pusher', role: null }])
    expect(models[0]?.measured?.windowMs).toBeGreaterThan(0)
    expect(models[0]?.measured?.windowMs).toBeLessThanOrEqual(5)
    expect(await central.json(`/v1/models/${hash.slice(0, 8)}`)).toMatchObject({
      entry: { hash },
      role: null,
      manifest: { forecaster: { name: 'one' } },
    })
  })

  it.each<[string, () => ModelUpload | Promise<ModelUpload>, string, RegExp]>([
    ['is too slow', () => slowModel('slow'), 'model/slow', /ms a window .* at most 5 ms/],
    ['is of another shape', () => otherShape('other'), 'model/shape', /input must be window/],
    ['has weights that are no numbers', () => nanModel('nan'), 'model/unreadable', /NaN/],
    [
      'is truncated',
      () => ({ ...shipped, model: shipped.model.slice(0, 1000) }),
      'model/unreadable',
      /truncated/,
    ],
    [
      'was altered after its manifest was written',
      () => ({ ...shipped, model: shipped.model.with(5000, 1 ^ (shipped.model[5000] ?? 0)) }),
      'model/unreadable',
      /sha256/,
    ],
    [
      'is no model',
      () => withModel(shipped, new TextEncoder().encode('not an onnx file, and long enough')),
      'model/unreadable',
      /no ONNX file|truncated/,
    ],
    [
      'answers otherwise than its manifest says',
      () => {
        const { forecaster } = shipped.manifest
        const cases = forecaster.selfCheck.cases.map((one) => ({ ...one, in5: { p10: 1, p50: 2, p90: 3 } }))
        const selfCheck = { ...forecaster.selfCheck, cases }
        return { ...shipped, manifest: { ...shipped.manifest, forecaster: { ...forecaster, selfCheck } } }
      },
      'model/unreadable',
      /self-check/,
    ],
  ])('refuses one that %s, with the reason', async (_, upload, code, detail) => {
    const found = await refusal(await post('', formOf(await upload())))
    expect(found).toMatchObject({ status: 422, code })
    expect(found.detail).toMatch(detail)
    const { models } = await central.json<{ models: ModelEntry[] }>('/v1/models')
    expect(models.map(({ name }) => name)).toEqual(['one'])
  })

  it('refuses one whose int8 form is another model than its fp32 form', async () => {
    const fp32 = new TextEncoder().encode('no fp32 form at all')
    expect(await refusal(await post('', formOf(shipped, fp32)))).toMatchObject({
      status: 422,
      code: 'model/unreadable',
    })
  })

  it('asks for the right to push, and for all parts', async () => {
    expect((await post('', formOf(shipped), central.tokens.read)).status).toBe(403)
    expect(await refusal(await post('', new FormData()))).toMatchObject({ code: 'message/invalid' })
  })
})

describe('releases', () => {
  it('go up by one with shadow, forced promotion and rollback, each signed by central and audited', async () => {
    const hash = await put(shippedModel('two'))
    const shadow = await post(`/${hash}/shadow`, { reason: 'a try' })
    const release = (await shadow.json()) as Release
    expect(release).toMatchObject({ version: 1, champion: 'bundled', challenger: hash, by: 'pusher' })

    const early = await refusal(await post('/challenger/promote', {}))
    expect(early).toMatchObject({ status: 409, code: 'model/not-proven' })
    expect(early.detail).toContain('no PoP has measured it')
    expect((await post('/challenger/promote', { force: true })).status).toBe(400)

    const promoted = await post('/challenger/promote', { force: true, reason: 'the old one is broken' })
    expect(await promoted.json()).toMatchObject({
      version: 2,
      champion: hash,
      challenger: null,
      former: 'bundled',
      reason: 'forced: the old one is broken',
    })
    const other = await put(shippedModel('three'))
    expect(await refusal(await post(`/${other}/shadow`, {}))).toMatchObject({ code: 'model/conflict' })

    const back = await post('/rollback', { reason: 'it is worse' })
    expect(await back.json()).toMatchObject({ version: 3, champion: 'bundled', previous: hash, former: null })

    const connection = await nats.connectAs(nats.central)
    const manager = await connection.jetstreamManager()
    const entry = await manager.streams.getMessage('ATLAS_AUDIT', {
      last_by_subj: 'atlas.audit.central.model',
    })
    await connection.close()
    expect(entry.json()).toMatchObject({ action: 'rollback', version: 3, before: 2, by: 'pusher' })
  })

  it('name a model that is not there as such', async () => {
    expect(await refusal(await post('/abcdef123456/shadow', {}))).toMatchObject({
      status: 404,
      code: 'model/not-found',
    })
    expect((await post('/none/shadow', {})).status).toBe(412)
  })
})
