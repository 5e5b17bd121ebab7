import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toBase64 } from '../../../contract/base64.ts'
import { sha256Hex } from '../../../contract/model/model-file.ts'
import { openPackage, packModel, readPackage } from '../../../contract/model/model-package.ts'
import { checkOpset } from '../../../contract/model/onnx-opset.ts'
import { openRelease, type Release, rivalOf, signRelease } from '../../../contract/model/release.ts'
import { fetchPackage, type ObjectReader } from '../../../edge/pop/model-fetch.ts'
import { ROOT } from '../../support/stack.ts'

const model = new Uint8Array(readFileSync(join(ROOT, 'models/forecaster.onnx')))
const manifest: object = JSON.parse(readFileSync(join(ROOT, 'models/manifest.json'), 'utf8'))
const packed = packModel(manifest, model)

describe('a model package', () => {
  it('gives back the model and the manifest under its hash', async () => {
    const opened = await openPackage(packed, await sha256Hex(packed))
    expect(opened.model).toEqual(model)
    expect(opened.manifest).toEqual(manifest)
  })

  it.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['is no package', new TextEncoder().encode('hello, hello'), /does not begin/],
    ['ends within its manifest', packed.slice(0, 500), /truncated within its manifest/],
    ['ends within its model', packed.slice(0, -9), /truncated/],
    ['holds another model than its manifest says', packed.with(packed.length - 99, 7), /sha256/],
  ])('is refused when it %s', async (_, bytes, reason) => {
    await expect(readPackage(bytes)).rejects.toThrow(reason)
  })

  it('is refused under another hash', async () => {
    await expect(openPackage(packed, 'a'.repeat(64))).rejects.toThrow(/not aaaaaaaaaaaa/)
  })
})

describe('the opset of a model', () => {
  it('is read out of the file', () => {
    expect(() => checkOpset(model, 17)).not.toThrow()
    expect(() => checkOpset(model, 18)).toThrow('ai.onnx 17, not ai.onnx 18')
  })

  it('cannot be read out of something else', () => {
    expect(() => checkOpset(new Uint8Array(), 17)).toThrow('opset none')
    expect(() => checkOpset(Uint8Array.of(0x0a, 0xff, 0x01), 17)).toThrow('truncated')
  })
})

describe('a signed release', async () => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const raw = new Uint8Array((await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer)
  const keys = { k: toBase64(raw) }
  const release: Release = {
    kind: 'model-release',
    series: 'forecaster',
    version: 4,
    issuedAtMs: 1,
    champion: 'bundled',
    challenger: 'b'.repeat(64),
    former: null,
    previous: null,
    action: 'shadow',
    by: 'me',
    reason: '',
  }

  it('opens under the key that signed it, and under no other', async () => {
    const text = await signRelease(release, pair.privateKey, 'k')
    expect(await openRelease(text, keys)).toEqual(release)
    await expect(openRelease(text, {})).rejects.toMatchObject({ code: 'model/unsigned' })
    const forged = text.replace('shadow', 'promote')
    await expect(openRelease(forged, keys)).rejects.toMatchObject({ code: 'model/unsigned' })
  })

  it('runs the challenger beside the champion, else the former one', () => {
    expect(rivalOf(release)).toEqual({ ref: 'b'.repeat(64), role: 'challenger' })
    expect(rivalOf({ challenger: null, former: 'bundled' })).toEqual({ ref: 'bundled', role: 'former' })
    expect(rivalOf({ challenger: null, former: null })).toBeNull()
  })
})

describe('fetching a package', () => {
  const meta = { name: 'x', nuid: 'N1', size: 6, chunks: 2 }
  const reader = (chunks: readonly string[], head: object | null = meta): ObjectReader => ({
    last: async () => head && { seq: 9, data: new TextEncoder().encode(JSON.stringify(head)) },
    next: async (_, from) => {
      const chunk = chunks[from - 1]
      return chunk === undefined ? null : { seq: from, data: new TextEncoder().encode(chunk) }
    },
  })
  const hash = 'd'.repeat(64)

  it('joins its chunks in order', async () => {
    expect(new TextDecoder().decode(await fetchPackage(reader(['abc', 'def']), hash))).toBe('abcdef')
  })

  it.each<[string, ObjectReader, string]>([
    ['is not there', reader([], null), 'model/not-found'],
    ['was deleted', reader([], { ...meta, deleted: true }), 'model/not-found'],
    ['lacks a chunk', reader(['abc']), 'model/unreadable'],
    ['is shorter than it says', reader(['abc', 'd']), 'model/unreadable'],
    ['is longer than it says', reader(['abc', 'defg']), 'model/unreadable'],
    ['is too large', reader([], { ...meta, size: 1e9 }), 'model/unreadable'],
  ])('refuses one that %s', async (_, from, code) => {
    await expect(fetchPackage(from, hash)).rejects.toMatchObject({ code })
  })
})
