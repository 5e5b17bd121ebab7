import { afterEach, describe, expect, it, vi } from 'vitest'
import { Api } from '../../../central/ctl/api.ts'
import type { Flags, Invocation } from '../../../central/ctl/command.ts'
import { findCommand } from '../../../central/ctl/commands.ts'
import type { AdaptationsShown } from '../../../central/registry/adaptations.ts'
import type { TrainingState } from '../../../central/training/training-state.ts'

afterEach(() => vi.unstubAllGlobals())

const BEGUN: TrainingState = {
  state: 'running',
  trigger: 'demand',
  by: 'boss',
  reason: '',
  pops: ['fra1'],
  global: false,
  startedAtMs: 7,
  endedAtMs: null,
  lines: [],
  said: 0,
  adaptations: [],
  model: null,
  error: null,
}

/** A central whose training says these states, one at each look; keeps what was asked of it. */
function fakeCentral(
  states: readonly Partial<TrainingState>[],
  adaptations: readonly AdaptationsShown[] = [],
) {
  const asked: { method: string; path: string; body: string }[] = []
  const left = [...states]
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    const path = url.replace('http://central', '')
    const method = init.method ?? 'GET'
    asked.push({ method, path, body: String(init.body ?? '') })
    if (path === '/v1/models/adaptations') return Response.json({ adaptations })
    if (method !== 'GET') return Response.json(BEGUN)
    return Response.json({ training: { ...BEGUN, ...(left.length > 1 ? left.shift() : left[0]) } })
  })
  let printed = ''
  const run = async (words: string, flags: Partial<Flags> = {}) => {
    const found = findCommand(words.split(' '))
    const none = { pop: null, version: null, to: null, reason: null, manifest: null, fp32: null, file: null }
    const off = { json: false, dryRun: false, force: false, global: false, quick: false, open: false }
    const invocation: Invocation = {
      api: new Api({ url: 'http://central', token: 't' }),
      args: found?.rest ?? [],
      flags: { ...none, ...off, name: 'default', waitMs: 0, limit: null, ...flags },
      print: (text) => {
        printed += text
      },
      readFile: () => 'timestamp_utc,value\n',
      readBytes: () => new Uint8Array(),
      sleep: () => Promise.resolve(),
    }
    await found?.command.run(invocation)
    return printed
  }
  return { asked, run }
}

describe('a training by atlasctl', () => {
  it('is begun in central and followed line by line, each once, to its end', async () => {
    const { asked, run } = fakeCentral([
      { lines: ['one'], said: 1 },
      { lines: ['one', 'two', 'three'], said: 3 },
      { state: 'done', lines: ['two', 'three', 'four'], said: 4 },
    ])
    const printed = await run('model train', { pop: 'fra1', global: true, reason: 'a try' })
    expect(printed.split('\n').slice(1)).toEqual(['one', 'two', 'three', 'four', ''])
    expect(asked[0]).toMatchObject({ method: 'POST', path: '/v1/models/train' })
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      global: true,
      quick: false,
      reason: 'a try',
      pops: ['fra1'],
    })
  })

  it('that fails says why, and one that is another by now is not taken for it', async () => {
    await expect(fakeCentral([{ state: 'failed', error: 'no disk' }]).run('model train')).rejects.toThrow(
      'no disk',
    )
    await expect(fakeCentral([{ startedAtMs: 8 }]).run('model train')).rejects.toThrow('started anew')
  })

  it('of one PoP sends its trace file; stop cancels; none withdraws', async () => {
    const published = { pop: 'fra1', beside: '', ratio: 0.9, version: 1, reason: '' }
    const { asked, run } = fakeCentral([{ state: 'done', adaptations: [published] }])
    await run('model adapt fra1', { file: 'trace.csv', quick: true })
    await run('model train stop')
    await run('model adapt fra1 none', { reason: 'enough' })
    const calls = asked.filter(({ method }) => method !== 'GET')
    expect(calls).toMatchObject([
      { method: 'POST', path: '/v1/models/adaptations/fra1?reason=&quick=1', body: 'timestamp_utc,value\n' },
      { method: 'DELETE', path: '/v1/models/training' },
      { method: 'DELETE', path: '/v1/models/adaptations/fra1?reason=enough' },
    ])
  })

  it('of one PoP that published nothing is a failure', async () => {
    const refused = { pop: 'fra1', beside: '', ratio: 1.1, version: null, reason: 'not better' }
    const { run } = fakeCentral([{ state: 'done', adaptations: [refused] }])
    await expect(run('model adapt fra1')).rejects.toThrow('nothing is published; fra1 goes on as it was')
  })

  it('shows what is published, how it did, and what the PoP makes of it', async () => {
    const [hash, beside] = ['a'.repeat(64), 'b'.repeat(64)]
    const horizons = { in5: 0.9, in15: 0.85, in60: null }
    const release = {
      kind: 'adaptation-release' as const,
      pop: 'fra1',
      version: 3,
      issuedAtMs: 0,
      by: '',
      reason: '',
    }
    const entry = { series: 'total', hash, beside, horizons, ratio: 0.875 }
    const told = {
      version: 3,
      hash: null,
      fault: 'no regressions of its own: fitted beside another reference',
    }
    const { run } = fakeCentral(
      [],
      [{ pop: 'fra1', release: { ...release, entries: [] }, entries: [entry], told }],
    )
    const printed = await run('model adapt')
    expect(printed).toMatch(
      /fra1 +total +3 +aaaaaaaaaaaa +bbbbbbbbbbbb +0\.900 +0\.850 +- +no regressions of its own/,
    )
    expect(await fakeCentral([]).run('model adapt')).toBe('no PoP has an adaptation\n')
  })
})
