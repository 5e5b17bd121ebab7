import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { type Adaptation, packAdaptation } from '../../../contract/model/adaptation.ts'
import { parseManifest } from '../../../contract/model/manifest.ts'
import { sha256Hex } from '../../../contract/model/model-file.ts'
import { BUNDLED_LINEUP } from '../../../contract/model/release.ts'
import { selfCheckHistory } from '../../../contract/model/self-check.ts'
import type { SeriesHistory } from '../../../contract/model/series.ts'
import type { ForecastObject } from '../../../edge/predict/forecast.object.ts'
import manifestDocument from '../../../models/manifest.json'
import { adaptationOf, sayingAlways } from '../../support/adaptations.ts'

const BESIDE = parseManifest(manifestDocument).forecaster.file.sha256
const OTHER = 'e'.repeat(64)

function object(name: string) {
  const namespace = (env as unknown as { FORECASTER: DurableObjectNamespace<ForecastObject> }).FORECASTER
  return namespace.get(namespace.idFromName(name))
}

/** A PoP's total, `minute` minutes on. */
function total(minute = 0): SeriesHistory {
  const history = selfCheckHistory(3)
  return { ...history, name: 'total', endMs: history.endMs + minute * 60_000 }
}

async function packed(part: Partial<Adaptation> = {}) {
  const adaptation = adaptationOf({ pop: 'fra1', beside: BESIDE, ...part })
  const bytes = packAdaptation(adaptation)
  const { series, beside } = adaptation
  return { bytes, entry: { series, beside, hash: await sha256Hex(bytes) } }
}

describe('regressions of a series at the forecast object', () => {
  it('are used beside the reference they were fitted to, until they are withdrawn, and through eviction', async () => {
    const stub = object('used')
    const plain = await stub.forecast([total()])
    expect(plain).toMatchObject({ ok: true, adapted: null })
    const { bytes, entry } = await packed({ adapted: sayingAlways(1.5) })
    expect(await stub.keeps(entry.hash)).toBe(false)
    expect(await stub.offerAdaptation('fra1', entry, bytes)).toEqual({ ok: true, model: 'total' })
    expect(await stub.keeps(entry.hash)).toBe(true)
    const lineup = { ...BUNDLED_LINEUP, adapted: [entry] }
    const own = await stub.forecast([total(1)], lineup)
    expect(own).toMatchObject({ adapted: { hash: entry.hash, fault: null } })
    const median = (answer: typeof own) => (answer.ok ? (answer.forecasts[0]?.in5.p50 ?? 0) : 0)
    expect(median(own)).toBeGreaterThan(2 * median(plain))
    await evictDurableObject(stub)
    const after = await object('used').forecast([total(2)], lineup)
    expect(after).toMatchObject({ adapted: { hash: entry.hash, fault: null } })
    expect(median(after)).toBeGreaterThan(2 * median(plain))
    const without = await object('used').forecast([total(3)])
    expect(without).toMatchObject({ ok: true, adapted: null })
    expect(median(without)).toBeLessThan(1.5 * median(plain))
  }, 30_000)

  it('keep what the series remembers when they come and go', async () => {
    const stub = object('remembers')
    for (let minute = 0; minute < 12; minute++) await stub.forecast([total(minute)])
    const { bytes, entry } = await packed()
    await stub.offerAdaptation('fra1', entry, bytes)
    const lineup = { ...BUNDLED_LINEUP, adapted: [entry] }
    const answer = await stub.forecast([total(12)], lineup)
    expect(answer.ok && answer.forecasts[0]?.rolling?.known).toBe(7)
  })

  it('are left unused beside another reference, which is said; the zero-shot forecast goes on', async () => {
    const stub = object('other reference')
    const { bytes, entry } = await packed({ beside: OTHER })
    expect(await stub.offerAdaptation('fra1', entry, bytes)).toMatchObject({ ok: true })
    const answer = await stub.forecast([total()], { ...BUNDLED_LINEUP, adapted: [entry] })
    expect(answer.ok && answer.forecasts).toHaveLength(1)
    expect(answer.ok && answer.adapted).toMatchObject({ hash: null })
    expect(answer.ok && answer.adapted?.fault).toMatch(/fitted beside another reference \(eeeeeeeeeeee…\)/)
    const plain = await object('other reference, plain').forecast([total()])
    expect(answer.ok && answer.forecasts).toEqual(plain.ok && plain.forecasts)
  })

  it('that are not there, or of another step, are named as such', async () => {
    const stub = object('missing')
    const { bytes, entry } = await packed({ adapted: { ...sayingAlways(1), stepS: 300 } })
    const lineup = { ...BUNDLED_LINEUP, adapted: [entry] }
    const lost = await stub.forecast([total()], lineup)
    expect(lost.ok && lost.adapted?.fault).toMatch(/is not kept here/)
    await stub.offerAdaptation('fra1', entry, bytes)
    const coarse = await stub.forecast([total(1)], lineup)
    expect(coarse.ok && coarse.adapted?.fault).toMatch(/steps of 300 s, not of 60 s/)
  })

  it.each<[string, () => Promise<{ bytes: Uint8Array<ArrayBuffer>; hash?: string }>, string, RegExp]>([
    [
      'cut short',
      async () => ({ bytes: (await packed()).bytes.slice(0, -20) }),
      'model/unreadable',
      /not whole JSON/,
    ],
    [
      'under another hash',
      async () => ({ bytes: (await packed()).bytes, hash: 'a'.repeat(64) }),
      'model/unreadable',
      /its sha256 is/,
    ],
    [
      'of another form',
      async () => ({ bytes: text((document) => ({ ...document, trees: [] })) }),
      'model/unreadable',
      /trees/,
    ],
    [
      'with NaN among its numbers',
      async () => ({ bytes: (await packed({ adapted: sayingAlways(Number.NaN) })).bytes }),
      'model/unreadable',
      /trees\.base/,
    ],
    [
      'whose trees lead in a circle',
      async () => {
        const adapted = sayingAlways(1)
        const [regression] = adapted.horizons.in5?.regressions ?? []
        const trees = { base: 0, roots: [0], feature: [0, -1], value: [1, 1], left: [0, 0] }
        const horizon = {
          regressions: [{ reads: 'lags' as const, answers: 'relative' as const, ...regression, trees }],
          trust: [0, 1],
        }
        return { bytes: (await packed({ adapted: { ...adapted, horizons: { in5: horizon } } })).bytes }
      },
      'model/unreadable',
      /node 0 must lead to two nodes after it/,
    ],
    [
      'of another PoP',
      async () => ({ bytes: (await packed({ pop: 'lax1' })).bytes }),
      'model/shape',
      /pop is "lax1", not "fra1"/,
    ],
    [
      'of another reference than its release says',
      async () => ({ bytes: (await packed({ beside: OTHER })).bytes }),
      'model/shape',
      /beside is/,
    ],
  ])('are refused %s', async (_, make, code, reason) => {
    const { bytes, hash = await sha256Hex(bytes) } = await make()
    const entry = { series: 'total', beside: BESIDE, hash }
    const answer = await object('refuses').offerAdaptation('fra1', entry, bytes)
    expect(answer).toMatchObject({ ok: false, code })
    expect(!answer.ok && answer.reason).toMatch(reason)
    expect(await object('refuses').keeps(hash)).toBe(false)
  })
})

/** An adaptation's document, changed. */
function text(change: (document: object) => object): Uint8Array<ArrayBuffer> {
  const document = change(adaptationOf({ pop: 'fra1', beside: BESIDE }))
  return new Uint8Array(new TextEncoder().encode(JSON.stringify(document)))
}
