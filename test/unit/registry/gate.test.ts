import { describe, expect, it } from 'vitest'
import type { PopView } from '../../../central/ingest/view.ts'
import { notProven, probation } from '../../../central/registry/gate.ts'
import { byHorizon, driftOf, type Pairing, pairingOf } from '../../../central/registry/measured.ts'
import type { MinuteMessage } from '../../../contract/messages.ts'
import type { ModelsState } from '../../../contract/models-state.ts'

const DAY_MS = 86_400_000
const CHALLENGER = 'c'.repeat(64)

interface Told {
  readonly rival?: number
  readonly champion?: number
  readonly count?: number
  readonly recent?: number
  readonly days?: number
  readonly release?: number
}

/** A PoP whose last minute says this of its models; errors as shares of what came. */
function view(pop: string, told: Told = {}): PopView {
  const { rival = 0.1, champion = 0.2, count = 5_000, recent = champion, days = 20, release = 3 } = told
  const sums = (share: number, of = count) => ({
    count: of,
    actual: 100 * of,
    error: 100 * of * share,
    inside: of,
  })
  const models: ModelsState = {
    release,
    champion: {
      ref: 'bundled',
      name: 'one',
      recent: byHorizon(() => sums(recent, Math.min(count, 1_440))),
      baseline: byHorizon(() => sums(champion)),
    },
    rival: {
      ref: CHALLENGER,
      name: 'two',
      role: 'challenger',
      sinceMs: 100 * DAY_MS,
      paired: byHorizon(() => ({ ...sums(rival), championError: 100 * count * champion })),
      fault: null,
      asked: 10,
      differed: 2,
      wouldBe: 'TIGHT',
    },
  }
  const minute = {
    kind: 'minute',
    pop,
    minuteStartMs: (100 + days) * DAY_MS,
    models,
  } as unknown as MinuteMessage
  return { pop, minutes: [minute] } as unknown as PopView
}

const pairing = (...told: Told[]): Pairing | null =>
  pairingOf(
    told.map((each, index) => view(`p${index}`, each)),
    3,
    CHALLENGER,
  )

describe('what PoPs measure of a challenger', () => {
  it('is summed over PoPs by traffic, not averaged', () => {
    const found = pairing({ rival: 0.1, count: 9_000 }, { rival: 0.5, count: 1_000 })
    expect(found?.horizons.in5).toMatchObject({ count: 10_000 })
    expect(found?.horizons.in5.rivalWape).toBeCloseTo(14, 9)
    expect(found?.horizons.in5.championWape).toBeCloseTo(20, 9)
    expect(found?.ratio).toBeCloseTo(0.7, 9)
    expect(found).toMatchObject({ asked: 20, differed: 4, pops: ['p0', 'p1'], shadowMs: 20 * DAY_MS })
  })

  it('counts only under the release in force', () => {
    expect(pairing({ release: 2 })).toBeNull()
    expect(pairing({ release: 2 }, {})?.pops).toEqual(['p1'])
  })
})

describe('the gate of promotion', () => {
  it('lets a challenger pass that was better for long enough', () => {
    expect(notProven(pairing({}), 14)).toBeNull()
  })

  it.each<[string, Pairing | null, RegExp]>([
    ['was never measured', pairing(), /no PoP has measured/],
    ['was not long enough in shadow', pairing({ days: 3 }), /3\.00 of 14 days/],
    ['has too few forecasts that came true', pairing({ count: 12 }), /only 12/],
    ['is worse', pairing({ rival: 0.3 }), /1\.500 times the champion's/],
    ['is as good and no better', pairing({ rival: 0.2 }), /not better/],
  ])('holds back one that %s', (_, measured, reason) => {
    expect(notProven(measured, 14)).toMatch(reason)
  })
})

describe('probation of a promoted model', () => {
  it('ends in a rollback as soon as the one before it is measurably better', () => {
    expect(probation(pairing({ rival: 0.1, days: 0.1 }), 1)).toMatchObject({ kind: 'back' })
  })

  it('goes on while nothing is settled, and ends well when its time is over', () => {
    expect(probation(null, 1)).toEqual({ kind: 'keep' })
    expect(probation(pairing({ rival: 0.1, count: 5 }), 1)).toEqual({ kind: 'keep' })
    expect(probation(pairing({ rival: 0.3, days: 0.5 }), 1)).toEqual({ kind: 'keep' })
    expect(probation(pairing({ rival: 0.199, days: 0.5 }), 1)).toEqual({ kind: 'keep' })
    expect(probation(pairing({ rival: 0.3, days: 1 }), 1)).toEqual({ kind: 'confirm' })
  })
})

describe('drift', () => {
  it('is the error of the last day against that of all days', () => {
    expect(driftOf([view('a', { champion: 0.2, recent: 0.3 })])[0]?.ratio).toBeCloseTo(1.5, 9)
  })

  it('is not told before there is a baseline', () => {
    expect(driftOf([view('a', { count: 2_000, recent: 0.9 })])[0]?.ratio).toBeNull()
  })
})
