import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { AtlasError } from '../../../contract/errors.ts'
import { type ForecasterManifest, parseManifest } from '../../../contract/model/manifest.ts'
import { sha256Hex } from '../../../contract/model/model-file.ts'
import { packModel } from '../../../contract/model/model-package.ts'
import { selfCheckHistory } from '../../../contract/model/self-check.ts'
import type { ForecastObject } from '../../../edge/predict/forecast.object.ts'
import { createForecaster, type Forecaster } from '../../../edge/predict/forecaster.ts'
import modelBytes from '../../../models/forecaster.onnx'
import manifestDocument from '../../../models/manifest.json'

const manifest = parseManifest(manifestDocument).forecaster
const whole = () => new Uint8Array(modelBytes.slice(0))

/** The manifest that goes with altered bytes: only their content can then be refused, not their hash. */
async function manifestOf(bytes: Uint8Array<ArrayBuffer>): Promise<ForecasterManifest> {
  return {
    ...manifest,
    file: { ...manifest.file, sizeBytes: bytes.length, sha256: await sha256Hex(bytes) },
  }
}

async function refusalOf(attempt: Promise<unknown>): Promise<AtlasError> {
  const thrown = await attempt.then(
    () => null,
    (error: unknown) => error,
  )
  if (thrown instanceof AtlasError) return thrown
  throw new Error(`expected an AtlasError, got ${thrown}`)
}

describe('the shipped forecaster in workerd', () => {
  let forecaster: Forecaster
  beforeAll(async () => {
    forecaster = await createForecaster(whole(), manifest)
  })

  it('answers what onnxruntime-node recorded, to a thousandth', async () => {
    const { cases } = manifest.selfCheck
    const answers = await forecaster.forecast(cases.map(({ seed }) => selfCheckHistory(seed)))
    answers.forEach((answer, index) => {
      for (const horizon of ['in5', 'in15', 'in60'] as const) {
        for (const quantile of ['p10', 'p50', 'p90'] as const) {
          const expected = cases[index]?.[horizon][quantile] ?? Number.NaN
          expect(Math.abs(answer[horizon][quantile] - expected)).toBeLessThan(1e-3 * expected)
        }
      }
    })
  })

  it('answers a batch larger than one run in order, each as on its own', async () => {
    const histories = Array.from({ length: 70 }, (_, seed) => selfCheckHistory(seed))
    const together = await forecaster.forecast(histories)
    expect(together).toHaveLength(70)
    for (const seed of [0, 63, 64, 69]) {
      const [alone] = await forecaster.forecast([selfCheckHistory(seed)])
      expect(together[seed]?.in15.p50).toBeCloseTo(alone?.in15.p50 ?? Number.NaN, 2)
    }
  })

  it('gives quantiles in order, none below zero, for silence too', async () => {
    const silence = { ...selfCheckHistory(1), rps: new Array<number>(60).fill(0) }
    const answers = await forecaster.forecast([silence, selfCheckHistory(2)])
    for (const { in5, in15, in60 } of answers) {
      for (const { p10, p50, p90 } of [in5, in15, in60]) {
        expect(p10).toBeGreaterThanOrEqual(0)
        expect(p50).toBeGreaterThanOrEqual(p10)
        expect(p90).toBeGreaterThanOrEqual(p50)
      }
    }
    expect(answers[0]?.in60.p90).toBeLessThan(0.01)
  })
})

describe('a forecaster that is no good is refused with the reason', () => {
  it('truncated', async () => {
    const refusal = await refusalOf(createForecaster(whole().slice(0, 1000), manifest))
    expect(refusal.code).toBe('model/unreadable')
    expect(refusal.message).toMatch(/forecaster\.onnx is truncated: 1000 bytes/)
  })

  it('altered', async () => {
    const bytes = whole()
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    const refusal = await refusalOf(createForecaster(bytes, manifest))
    expect(refusal.code).toBe('model/unreadable')
    expect(refusal.message).toMatch(/not what its manifest speaks of: sha256/)
  })

  it('no ONNX model at all', async () => {
    const bytes = new TextEncoder().encode('not a model') as Uint8Array<ArrayBuffer>
    const refusal = await refusalOf(createForecaster(bytes, await manifestOf(bytes)))
    expect(refusal.code).toBe('model/unreadable')
    expect(refusal.message).toMatch(/no model that onnxruntime can open/)
  })

  it('cut off behind its hash', async () => {
    const bytes = whole().slice(0, 100_000)
    const refusal = await refusalOf(createForecaster(bytes, await manifestOf(bytes)))
    expect(refusal.code).toBe('model/unreadable')
  })

  it('of another shape', async () => {
    const [n, steps, features] = manifest.input.shape
    const other: ForecasterManifest = {
      ...manifest,
      input: { ...manifest.input, shape: [n, steps, features + 1] },
    }
    const refusal = await refusalOf(createForecaster(whole(), other))
    expect(refusal.code).toBe('model/shape')
    expect(refusal.message).toMatch(/input must be window \[n, 60, \d+\], but is window \[/)
  })

  it('with NaN among its weights', async () => {
    const bytes = whole()
    poisonBias(bytes)
    const refusal = await refusalOf(createForecaster(bytes, await manifestOf(bytes)))
    expect(refusal.code).toBe('model/unreadable')
    expect(refusal.message).toMatch(/fails its self-check.*null/)
  })
})

describe('the forecast object', () => {
  const object = () => {
    const namespace = (env as unknown as { FORECASTER: DurableObjectNamespace<ForecastObject> }).FORECASTER
    return namespace.get(namespace.idFromName('test'))
  }

  it('answers one forecast a history, over its remote interface', async () => {
    const answer = await object().forecast([selfCheckHistory(1), selfCheckHistory(2)])
    expect(answer.ok && answer.model).toBe(manifest.name)
    expect(answer.ok && answer.forecasts.map(({ madeAtMs }) => madeAtMs)).toEqual([
      selfCheckHistory(1).endMs,
      selfCheckHistory(2).endMs,
    ])
  })

  it('runs a model it was offered beside the champion, then as champion, and knows it after eviction', async () => {
    const stub = object()
    const named = { ...manifestDocument, forecaster: { ...manifestDocument.forecaster, name: 'offered' } }
    const bytes = packModel(named, whole())
    const hash = await sha256Hex(bytes)
    expect(await stub.keeps(hash)).toBe(false)
    expect(await stub.offer(hash, bytes)).toEqual({ ok: true, model: 'offered' })
    expect(await stub.keeps(hash)).toBe(true)
    const beside = await stub.forecast([selfCheckHistory(1)], { champion: 'bundled', rival: hash })
    expect(beside).toMatchObject({
      ok: true,
      ref: 'bundled',
      model: manifest.name,
      rival: { ref: hash, model: 'offered', fault: null },
    })
    const alone = { champion: hash, rival: null }
    expect(await stub.forecast([selfCheckHistory(1)], alone)).toMatchObject({ ref: hash, model: 'offered' })
    await evictDurableObject(stub)
    const after = await object().forecast([selfCheckHistory(1)], alone)
    expect(after).toMatchObject({ ok: true, ref: hash, model: 'offered', fault: null, rival: null })
  })

  it('goes on with the champion it has when the wanted one is not there, and says why', async () => {
    const answer = await object().forecast([selfCheckHistory(1)], { champion: 'f'.repeat(64), rival: null })
    expect(answer.ok && answer.forecasts).toHaveLength(1)
    expect(answer.ok && answer.fault).toMatch(/ffffffffffff… is not kept here/)
  })

  it.each<[string, () => Promise<Uint8Array<ArrayBuffer>>, string | null, string]>([
    [
      'under another hash',
      async () => packModel(manifestDocument, whole()),
      'a'.repeat(64),
      'model/unreadable',
    ],
    ['cut short', async () => packModel(manifestDocument, whole()).slice(0, -1000), null, 'model/unreadable'],
    [
      'of another opset',
      async () => {
        const bytes = whole()
        const at = bytes.findLastIndex((byte, index) => byte === 17 && bytes[index - 1] === 0x10)
        bytes[at] = 18
        return packModel({ ...manifestDocument, forecaster: await manifestOf(bytes) }, bytes)
      },
      null,
      'model/shape',
    ],
    [
      'with NaN among its weights',
      async () => {
        const bytes = whole()
        poisonBias(bytes)
        return packModel({ ...manifestDocument, forecaster: await manifestOf(bytes) }, bytes)
      },
      null,
      'model/unreadable',
    ],
  ])('keeps no package %s', async (_, make, hash, code) => {
    const bytes = await make()
    const name = hash ?? (await sha256Hex(bytes))
    expect(await object().offer(name, bytes)).toMatchObject({ ok: false, code })
    expect(await object().keeps(name)).toBe(false)
  })

  it('answers the reason instead of throwing', async () => {
    const answer = await object().forecast([{ ...selfCheckHistory(1), rps: [1, 2, 3] }])
    expect(answer).toEqual({ ok: false, reason: 'history.rps must have at least 60 samples, but has 3' })
  })
})

/** Writes NaN over the heads' bias: the tensor named `bias` (its name, then its raw data of 9 floats). */
function poisonBias(bytes: Uint8Array): void {
  const name = new TextEncoder().encode('\x42\x04bias\x4a\x24')
  const at = bytes.findIndex((_, start) => name.every((byte, index) => bytes[start + index] === byte))
  if (at < 0) throw new Error('no bias tensor in the model')
  new DataView(bytes.buffer).setUint32(at + name.length, 0x7fc00000, true)
}
