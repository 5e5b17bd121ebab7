import { describe, expect, it } from 'vitest'
import {
  type Cursor,
  type PolicyFeed,
  PolicySync,
  type StoredMessage,
} from '../../../edge/pop/policy-sync.ts'

/** A stream, and a PoP that follows it; `after` messages come into view only when the PoP has waited that often. */
function follow(messages: StoredMessage[], cursor: Cursor = { seq: 0, timeStamp: '' }) {
  const state = { cursor, taken: [] as (string | null)[], waits: [] as number[], reads: 0 }
  const feed: PolicyFeed = {
    next: async (fromSeq) => {
      state.reads++
      return messages.find(({ seq }) => seq >= fromSeq) ?? null
    },
    last: async () => messages.at(-1) ?? null,
  }
  const sync = new PolicySync({
    load: () => state.cursor,
    take: async (text, at) => {
      state.taken.push(text)
      state.cursor = at
    },
    reset: () => {
      state.cursor = { seq: 0, timeStamp: '' }
    },
    wait: async (ms) => {
      state.waits.push(ms)
    },
  })
  return { state, feed, sync, messages }
}

function stored(seq: number, part: Partial<StoredMessage> = {}): StoredMessage {
  return { seq, timeStamp: `t${seq}`, operation: null, text: `p${seq}`, ...part }
}

describe('PolicySync', () => {
  it('begins with the newest message when it has no cursor', async () => {
    const { state, sync, feed } = follow([stored(3), stored(7), stored(9)])
    await sync.sync(feed, 'check')
    expect(state.taken).toEqual(['p9'])
    expect(state.cursor).toEqual({ seq: 9, timeStamp: 't9' })
  })

  it('takes all that came since its cursor, in order, each once', async () => {
    const { state, sync, feed } = follow([stored(3), stored(7), stored(9)], { seq: 3, timeStamp: 't3' })
    await sync.sync(feed, 'check')
    await sync.sync(feed, 'check')
    expect(state.taken).toEqual(['p7', 'p9'])
  })

  it('passes markers on as nothing, and moves behind them', async () => {
    const { state, sync, feed } = follow([stored(4, { operation: 'DEL', text: '' }), stored(5)], {
      seq: 3,
      timeStamp: 't3',
    })
    await sync.sync(feed, 'hint')
    expect(state.taken).toEqual([null, 'p5'])
  })

  it.each([
    ['ends before the cursor', [stored(1), stored(2)]],
    ['has another message at the cursor', [stored(1), stored(5, { timeStamp: 'other' })]],
  ])('begins anew with the newest message of a stream that %s', async (_, messages) => {
    const { state, sync, feed } = follow(messages, { seq: 5, timeStamp: 't5' })
    await sync.sync(feed, 'check')
    expect(state.taken).toEqual([messages.at(-1)?.text])
    expect(state.cursor.seq).toBe(messages.at(-1)?.seq)
  })

  it('waits for a first message when the stream was made anew and is empty', async () => {
    const { state, sync, feed, messages } = follow([], { seq: 5, timeStamp: 't5' })
    await sync.sync(feed, 'check')
    expect(state.cursor.seq).toBe(0)
    messages.push(stored(1))
    await sync.sync(feed, 'hint')
    expect(state.taken).toEqual(['p1'])
  })

  it('looks again when a hint overtakes its message, and gives up when none comes', async () => {
    const { state, sync, feed, messages } = follow([stored(1)], { seq: 1, timeStamp: 't1' })
    await sync.sync(feed, 'hint')
    const most = state.waits.length
    expect(most).toBeGreaterThan(3)
    const late = follow([stored(1)], { seq: 1, timeStamp: 't1' })
    const read = late.feed.next
    const feedOfLate: PolicyFeed = {
      ...late.feed,
      next: (fromSeq) => {
        if (late.state.waits.length === 2 && late.messages.length === 1) late.messages.push(stored(2))
        return read(fromSeq)
      },
    }
    await late.sync.sync(feedOfLate, 'hint')
    expect(late.state.taken).toEqual(['p2'])
    expect(late.state.waits).toHaveLength(2)
    expect(messages).toHaveLength(1)
  })

  it('joins calls while it reads into one more reading, so that no hint is lost', async () => {
    const { state, sync, feed, messages } = follow([stored(1)], { seq: 1, timeStamp: 't1' })
    const first = sync.sync(feed, 'check')
    messages.push(stored(2))
    await Promise.all([first, sync.sync(feed, 'hint'), sync.sync(feed, 'hint')])
    expect(state.taken).toEqual(['p2'])
  })

  it('rejects when the stream cannot be read, and reads again when asked again', async () => {
    const { state, sync, feed } = follow([stored(1)])
    const broken: PolicyFeed = { next: feed.next, last: () => Promise.reject(new Error('no stream')) }
    await expect(sync.sync(broken, 'check')).rejects.toThrow('no stream')
    await sync.sync(feed, 'check')
    expect(state.taken).toEqual(['p1'])
  })

  it('reads over a new session when the one it was reading over fails', async () => {
    const { state, sync, feed } = follow([stored(1)])
    let fail: (reason: Error) => void = () => undefined
    const answer = new Promise<never>((_, reject) => {
      fail = reject
    })
    const dying: PolicyFeed = { next: feed.next, last: () => answer }
    const first = sync.sync(dying, 'check')
    const second = sync.sync(feed, 'check')
    fail(new Error('the session is over'))
    await Promise.all([first, second])
    expect(state.taken).toEqual(['p1'])
  })

  it('loses no hint that comes in the very turn in which a reading ends', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const { state, sync, feed, messages } = follow([stored(1)], { seq: 1, timeStamp: 't1' })
      const first = sync.sync(feed, 'check')
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      messages.push(stored(2))
      await Promise.all([sync.sync(feed, 'hint'), first])
      expect(state.taken).toEqual(['p2'])
    }
  })
})
