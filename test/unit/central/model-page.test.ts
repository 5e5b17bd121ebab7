import { describe, expect, it } from 'vitest'
import { errorRows, modelFacts, popFacts, shadowProgress } from '../../../central/page/browser/model-facts.ts'
import { ModelsPanel } from '../../../central/page/browser/models.ts'
import type { PopState } from '../../../central/page/browser/state.ts'
import { byHorizon, type Pairing } from '../../../central/registry/measured.ts'
import type { Overview } from '../../../central/registry/registry.ts'
import type { ForecasterState } from '../../../contract/messages.ts'
import { minute, second } from './messages.ts'

const DAY_MS = 86_400_000
const CHAMPION = 'a'.repeat(64)
const CHALLENGER = 'b'.repeat(64)

const pairing: Pairing = {
  release: 4,
  rival: CHALLENGER,
  role: 'challenger',
  pops: ['fra1', 'iad2'],
  shadowMs: 3.5 * DAY_MS,
  horizons: byHorizon(() => ({ count: 1_200, championWape: 12, rivalWape: 9.5, coverage: 80 })),
  ratio: 0.79,
  asked: 1_000,
  differed: 8,
  faults: {},
}

function overview(told: Partial<Overview> = {}): Overview {
  const entry = { sizeBytes: 1, by: 'x', putAtMs: 0, measured: null, role: null }
  const measured = {
    clock: 'cpu',
    sessionMs: 190,
    windowMs: 1.34,
    windowP99Ms: 2,
    residentBytes: null,
    machine: 'a machine',
  } as const
  return {
    release: {
      kind: 'model-release',
      series: 'forecaster',
      version: 4,
      issuedAtMs: 0,
      champion: CHAMPION,
      challenger: CHALLENGER,
      former: null,
      previous: 'bundled',
      action: 'shadow',
      by: 'operator',
      reason: 'a try',
    },
    history: [],
    models: [
      { ...entry, hash: CHAMPION, name: 'old' },
      { ...entry, hash: CHALLENGER, name: 'new', measured },
    ],
    pairing,
    drift: [],
    periods: { shadowDays: 14, probationDays: 1 },
    ...told,
  }
}

function pop(name: string, forecaster: ForecasterState, minutes: PopState['minutes'] = []): PopState {
  const last = second(name, 1, { forecaster })
  return { pop: name, second: last, lastSeenMs: 0, seconds: [], minutes, acks: [], alerts: [] }
}

const facts = (told: Partial<Overview> = {}) =>
  Object.fromEntries(modelFacts(overview(told), 7_200_000).map(({ name, ...fact }) => [name, fact]))

describe('the panel of models', () => {
  it('names what runs, by name, hash and cost, and the last release', () => {
    expect(facts()).toMatchObject({
      Champion: { value: 'old', more: 'aaaaaaaaaaaa' },
      Challenger: { value: 'new', more: 'bbbbbbbbbbbb, 1.3 ms a window' },
      'Error, challenger to champion': { value: '× 0.790', tone: 'good' },
      'Would have decided otherwise': {
        value: '8',
        more: expect.stringContaining('of 1,000 minutes (0.8 %)'),
      },
      'Last release': { value: '4, shadow', more: '2 h ago by operator: a try' },
    })
  })

  it('warns of a rival that is worse, or does not run', () => {
    expect(facts({ pairing: { ...pairing, ratio: 1.2 } })).toMatchObject({
      'Error, challenger to champion': { tone: 'warned' },
    })
    expect(facts({ pairing: { ...pairing, faults: { fra1: 'model is not kept here' } } })).toMatchObject({
      'Error, challenger to champion': {
        value: 'does not run',
        more: 'fra1: model is not kept here',
        tone: 'bad',
      },
    })
  })

  it('says that there is only the bundled model, and no rival', () => {
    const release = { ...overview().release, version: 0, champion: 'bundled', challenger: null }
    expect(facts({ release, models: [], pairing: null })).toMatchObject({
      Champion: { value: 'bundled' },
      Challenger: { value: 'none' },
      'Last release': { value: 'none' },
    })
  })

  it('tells how far shadow and probation are, in days of the policies', () => {
    expect(shadowProgress(overview())).toEqual({ text: '3.5 of 14 days in shadow', done: 3.5, of: 14 })
    const former = { ...pairing, role: 'former', shadowMs: 2 * DAY_MS } as const
    expect(shadowProgress(overview({ pairing: former }))).toEqual({
      text: '2 of 1 day of probation',
      done: 1,
      of: 1,
    })
    expect(shadowProgress(overview({ pairing: null }))).toBeNull()
  })

  it('lists both errors by horizon', () => {
    expect(errorRows(pairing)[2]).toEqual(['+60 min', '12 %', '9.5 %', '80 %', '1,200'])
  })

  it('says of each PoP what its forecasts are worth, and why it is reactive', () => {
    const rolling = { known: 60, champion: 18.4, reference: 20, seasonalNaive: 33.2 }
    const quantiles = { p10: 1, p50: 2, p90: 3 }
    const forecast = { madeAtMs: 0, model: 'm', in5: quantiles, in15: quantiles, in60: quantiles, rolling }
    const recent = byHorizon(() => 9.25)
    const drift = [{ pop: 'fra1', ref: CHAMPION, recent, baseline: recent, ratio: 1.4 }]
    const pops = [
      pop('fra1', { kind: 'ready', forecast }, [minute('fra1', 1, { forecast })]),
      pop('iad2', { kind: 'reactive', reason: 'worse than seasonal-naive' }),
      pop('sin1', { kind: 'warming', minutes: 12, of: 60 }),
    ]
    expect(popFacts(pops, { drift })).toMatchObject([
      {
        rolling: '18.4 req/s (day before: 33.2)',
        lastDay: '9.3 / 9.3 / 9.3 %',
        drift: '× 1.40',
        hasDrifted: true,
      },
      { forecaster: 'reactive: worse than seasonal-naive', isReactive: true, rolling: '–', lastDay: '–' },
      { forecaster: 'warming up: 12 of 60 minutes', isReactive: false, drift: '–' },
    ])
  })

  it('asks central at most every ten seconds, and bears that it does not answer', async () => {
    const panel = new ModelsPanel()
    let asked = 0
    const ask = (nowMs: number, answer: () => Response) =>
      panel.ask(async () => {
        asked += 1
        return answer()
      }, nowMs)
    expect(await ask(0, () => Response.json(overview()))).toBe(true)
    expect(await ask(9_999, () => Response.json(overview()))).toBe(false)
    expect(asked).toBe(1)
    expect(await ask(10_000, () => new Response('', { status: 503 }))).toBe(false)
    const broken = () => {
      throw new TypeError('it is away')
    }
    expect(await ask(20_000, broken)).toBe(false)
    expect(await ask(30_000, () => Response.json(overview()))).toBe(true)
    expect(asked).toBe(4)
  })
})
