import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../contract/ports.ts'
import {
  type CallBookState,
  callsOf,
  NO_CALLS,
  sharesOf,
  withMinute,
} from '../../../../edge/pop/alert/call-book.ts'
import type { MinuteRecord } from '../../../../edge/pop/minute-book.ts'

const SEED = 5

const minute = (requests: number, along: number): CallBookState => ({
  requests: { shipping: 50, payment: requests },
  calls: along === 0 ? [] : [{ caller: 'shipping', callee: 'payment', requests: along }],
})
const shareAfter = (minutes: readonly CallBookState[]) =>
  sharesOf(minutes.reduce(withMinute, NO_CALLS)).map(({ share }) => share)

describe(`call book (seed ${SEED})`, () => {
  it("says what share of a module's requests another module makes", () => {
    expect(sharesOf(withMinute(NO_CALLS, minute(80, 20)))).toEqual([
      { caller: 'shipping', callee: 'payment', share: 0.25 },
    ])
  })

  it('follows a share that changes by half in ten minutes', () => {
    const old = new Array<CallBookState>(120).fill(minute(100, 100))
    const since = (minutes: number) => [...old, ...new Array<CallBookState>(minutes).fill(minute(100, 0))]
    expect(shareAfter(old)).toEqual([1])
    expect(shareAfter(since(10))[0]).toBeCloseTo(0.5, 2)
    expect(shareAfter(since(20))[0]).toBeCloseTo(0.25, 2)
  })

  it('forgets calls and modules of which next to nothing is left', () => {
    const book = new Array<CallBookState>(200).fill({ requests: {}, calls: [] })
    const left = [minute(100, 100), ...book].reduce(withMinute, NO_CALLS)
    expect(left).toEqual(NO_CALLS)
  })

  it('never has a share above 1, and none of a module that received nothing', () => {
    const random = seededRandom(SEED)
    let book = NO_CALLS
    for (let at = 0; at < 300; at++) {
      const requests = Math.floor(random.next() ** 4 * 20)
      book = JSON.parse(
        JSON.stringify(withMinute(book, minute(requests, Math.floor(random.next() * (requests + 1))))),
      )
      for (const { share } of sharesOf(book)) expect(share >= 0 && share <= 1).toBe(true)
    }
    expect(sharesOf({ ...minute(0, 5), requests: {} })[0]?.share).toBe(0)
  })

  it('knows each module by its name, also by one that every object has', () => {
    const one = {
      requests: Object.fromEntries([
        ['constructor', 10],
        ['__proto__', 20],
      ]),
      calls: [{ caller: 'constructor', callee: '__proto__', requests: 10 }],
    }
    const book = withMinute(withMinute(NO_CALLS, one), one)
    expect(sharesOf(book)[0]?.share).toBe(0.5)
    expect(sharesOf({ requests: {}, calls: one.calls })[0]?.share).toBe(0)
  })

  it('reads a closed minute, without calls of modules that have no name', () => {
    const series = { rps: 1, errorRate: 0, p95Ms: 1, requests: 60 }
    const record = {
      modules: [series, series],
      calls: [
        { caller: 0, callee: 1, requests: 30 },
        { caller: 0, callee: 31, requests: 9 },
      ],
    } as unknown as MinuteRecord
    expect(callsOf(record, ['shipping', 'payment'])).toEqual({
      requests: { shipping: 60, payment: 60 },
      calls: [{ caller: 'shipping', callee: 'payment', requests: 30 }],
    })
  })
})
