import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeTrainingFolder } from '../../../central/training/training-folder.ts'
import { startTraining } from '../../../central/training/training-process.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'atlas-folder-test-'))
  vi.stubEnv('TMPDIR', root)
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

describe('the folder of a training', () => {
  it('is for this user alone, and takes the place of those that dead processes left', () => {
    const held = makeTrainingFolder()
    const [dead, reused] = ['atlas-training-99999999-5-abcdef', `atlas-training-${process.pid}-1-abcdef`]
    const foreign = ['atlas-training-notes', 'atlas-other-99999999-5-abcdef']
    for (const name of [dead, reused, ...foreign]) mkdirSync(join(root, name, 'deep'), { recursive: true })
    const fresh = makeTrainingFolder()
    expect(
      readdirSync(root)
        .map((name) => join(root, name))
        .sort(),
    ).toEqual([held, fresh, ...foreign.map((name) => join(root, name))].sort())
    expect(statSync(fresh).mode & 0o777).toBe(0o700)
  })

  it('is not left when it cannot be filled', () => {
    const job = { seed: 1, quick: true, adaptations: [], global: null }
    const start = () => startTraining(job, { 'no/such/place.json': new Uint8Array(1) }, () => undefined)
    expect(start).toThrow(/ENOENT/)
    expect(readdirSync(root)).toEqual([])
  })
})
