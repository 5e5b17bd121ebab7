import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AtlasError } from '../../../contract/errors.ts'
import { parseManifest } from '../../../contract/model/manifest.ts'
import { verifyModelFile } from '../../../contract/model/model-file.ts'

const folder = new URL('../../../models/', import.meta.url)
const shipped = () => JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8'))

function refusalOf(attempt: () => unknown): AtlasError {
  try {
    attempt()
  } catch (thrown) {
    if (thrown instanceof AtlasError) return thrown
  }
  throw new Error('nothing was refused')
}

describe('the shipped manifest', () => {
  it('parses, and its files are the ones it speaks of', async () => {
    const { forecaster, forest } = parseManifest(shipped())
    for (const { file } of [forecaster, forest])
      await verifyModelFile(new Uint8Array(readFileSync(new URL(file.path, folder))), file)
  })

  it('says that no trace of data/test and never worldcup98 was trained on', () => {
    const names = parseManifest(shipped()).forecaster.training.sources.map(({ name }) => name)
    expect(names).not.toContain('clarknet_1m')
    expect(names).not.toContain('nasa_aug95_1m')
    expect(names.filter((name) => name.startsWith('worldcup98'))).toEqual([])
  })

  it('measures an error on clarknet below persistence and the mean of 60 minutes, at 15 and 60 minutes', () => {
    const clarknet = parseManifest(shipped()).forecaster.errors.find(({ trace }) => trace === 'clarknet_1m')
    for (const minutes of ['15', '60']) {
      const error = clarknet?.horizons[minutes]
      expect(error?.betterThanPersistence).toBeGreaterThan(0)
      expect(error?.betterThanMean60).toBeGreaterThan(0)
    }
  })
})

describe('a manifest is refused', () => {
  it('with the path of what is wrong', () => {
    const document = shipped()
    document.forecaster.file.sha256 = 'short'
    const refusal = refusalOf(() => parseManifest(document))
    expect(refusal.code).toBe('model/unreadable')
    expect(refusal.faults[0]?.path).toBe('forecaster.file.sha256')
  })

  it('for a key it does not know', () => {
    expect(refusalOf(() => parseManifest({ ...shipped(), extra: 1 })).code).toBe('model/unreadable')
    expect(refusalOf(() => parseManifest(null)).code).toBe('model/unreadable')
  })

  it.each(['forecaster', 'forest'] as const)('when its %s was made for other features', (model) => {
    const document = shipped()
    document[model].features.reverse()
    const refusal = refusalOf(() => parseManifest(document))
    expect(refusal.code).toBe('model/shape')
    expect(refusal.faults[0]?.path).toBe(`${model}.features`)
  })
})
