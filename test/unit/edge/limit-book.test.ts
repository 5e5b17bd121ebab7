import { describe, expect, it } from 'vitest'
import { charge, gcra, waitMs } from '../../../edge/control/gcra.ts'
import { LimitBook } from '../../../edge/control/limit-book.ts'
import { applyUse, keyedHash, returnUse, takeUse } from '../../../edge/pipeline/limit-report.ts'

describe('LimitBook', () => {
  it('stays within its bound, whatever keys come, and keeps those that are in use', () => {
    const book = new LimitBook(100)
    const kept = book.entry('limit', 'kept')
    kept.tatMs = 42
    for (let index = 0; index < 10_000; index++) {
      book.entry('limit', `key-${index}`)
      if (index % 20 === 0) expect(book.entry('limit', 'kept')).toBe(kept)
      expect(book.size).toBeLessThanOrEqual(100)
    }
  })

  it('tells long keys apart that differ in their last character', () => {
    const book = new LimitBook()
    const long = 'x'.repeat(8000)
    expect(book.entry('limit', `${long}a`)).toBe(book.entry('limit', `${long}a`))
    expect(book.entry('limit', `${long}a`)).not.toBe(book.entry('limit', `${long}b`))
    expect(book.entry('limit', `${long}a`).key.length).toBeLessThan(64)
  })

  it('forgets the limits that a new policy does not have', () => {
    const book = new LimitBook()
    book.entry('old', 'a')
    book.entry('new', 'a').tatMs = 7
    book.keepOnly(new Set(['new']))
    expect(book.size).toBe(1)
    expect(book.entry('new', 'a').tatMs).toBe(7)
  })
})

describe('a clock that is set back', () => {
  it('takes the keys with it, so that nobody waits for the hour to come again', () => {
    const book = new LimitBook()
    const rate = gcra(1, 2)
    const nowMs = 10_000_000
    book.at(nowMs)
    const entry = book.entry('limit', 'a')
    entry.tatMs = charge(rate, 0, nowMs, 2)
    book.at(nowMs - 500)
    expect(waitMs(rate, entry.tatMs, nowMs)).toBe(1000)
    book.at(nowMs - 3_600_000)
    expect(waitMs(rate, entry.tatMs, nowMs - 3_600_000)).toBe(1000)
    book.at(nowMs - 3_599_000)
    expect(waitMs(rate, entry.tatMs, nowMs - 3_599_000)).toBe(0)
  })
})

describe('the report of limits', () => {
  const rates = new Map([['limit', gcra(1, 5)]])

  it('tells each charge once, and again when it could not be delivered', async () => {
    const book = new LimitBook()
    const hash = keyedHash('secret')
    const entry = book.entry('limit', 'a')
    book.used(entry)
    book.used(entry)
    const first = await takeUse(book, hash)
    expect(first).toMatchObject([{ limit: 'limit', cost: 2 }])
    expect(await takeUse(book, hash)).toEqual([])
    book.used(entry)
    returnUse(book, first)
    expect(await takeUse(book, hash)).toMatchObject([{ limit: 'limit', cost: 3 }])
  })

  it('has the same hash in every isolate with the secret, and another without', async () => {
    const here = await keyedHash('secret')('limit', '192.0.2.1')
    expect(await keyedHash('secret')('limit', '192.0.2.1')).toBe(here)
    expect(await keyedHash('secret')('other', '192.0.2.1')).not.toBe(here)
    expect(await keyedHash('secret2')('limit', '192.0.2.1')).not.toBe(here)
    expect(await keyedHash(null)('limit', '192.0.2.1')).not.toBe(here)
  })

  it('charges a key with what others let pass, and ignores keys and limits it does not know', async () => {
    const book = new LimitBook()
    const entry = book.entry('limit', 'a')
    book.used(entry)
    const uses = await takeUse(book, keyedHash('secret'))
    applyUse(
      book,
      rates,
      [...uses, { limit: 'limit', key: 'unknown', cost: 3 }, { limit: 'no', key: 'x', cost: 1 }],
      1000,
    )
    expect(entry.tatMs).toBe(2000)
  })

  it('reports a key that was charged while too many others waited, once there is room', async () => {
    const book = new LimitBook(4)
    const hash = keyedHash('secret')
    for (const key of ['a', 'b', 'c', 'd']) book.used(book.entry('limit', key))
    const late = book.entry('limit', 'late')
    book.used(late)
    await takeUse(book, hash)
    book.used(late)
    expect(await takeUse(book, hash)).toMatchObject([{ cost: 2 }])
  })
})
