/** One message of the policy stream. */
export interface StoredMessage {
  readonly seq: number
  /** When the server stored it: tells a stream that was made anew from the one before. */
  readonly timeStamp: string
  /** `KV-Operation`: DEL or PURGE; null for a value. */
  readonly operation: string | null
  readonly text: string
}

/** Reads the policy stream by DIRECT.GET. Null: there is no such message. */
export interface PolicyFeed {
  next(fromSeq: number): Promise<StoredMessage | null>
  last(): Promise<StoredMessage | null>
}

/** The last message that was taken; seq 0: none yet. */
export interface Cursor {
  readonly seq: number
  readonly timeStamp: string
}

export interface PolicySyncPorts {
  load(): Cursor
  /**
   * Takes a policy's text (null: a marker that says nothing) and moves the cursor behind it, both or neither, so that a
   * PoP killed in between takes it again or not at all.
   */
  take(text: string | null, cursor: Cursor): Promise<void>
  reset(): void
  wait(ms: number): Promise<void>
}

interface Reading {
  readonly feed: PolicyFeed
  readonly why: 'hint' | 'check'
}

/** A hint can overtake the storing of its message: how long to look again for what it announced. */
const HINT_WAITS_MS = [1, 2, 4, 8, 16, 32, 64]

/**
 * Follows the policy stream from a cursor: in order, each message once, nothing missed while the PoP or the server was
 * away. A PoP without a cursor, and one whose stream was made anew, begins with the newest message.
 */
export class PolicySync {
  readonly #ports: PolicySyncPorts
  #running: Promise<void> | null = null
  #again: Reading | null = null

  constructor(ports: PolicySyncPorts) {
    this.#ports = ports
  }

  /**
   * Reads what is new. `check` also finds out whether the stream was made anew; `hint` looks a few times, because news was
   * announced. Calls while one runs are joined into one more run. Rejects when the feed cannot be read.
   */
  sync(feed: PolicyFeed, why: 'hint' | 'check'): Promise<void> {
    if (this.#running !== null) {
      const again = this.#again
      this.#again = again !== null && again.feed === feed && again.why === 'hint' ? again : { feed, why }
      return this.#running
    }
    this.#running = this.#run({ feed, why })
    return this.#running
  }

  /**
   * A reading that fails does not keep the next one, which may be over another session, from being made. The end is noted
   * in the same turn in which nothing more is asked for: a call right after begins a run of its own.
   */
  async #run(first: Reading): Promise<void> {
    for (let reading = first; ; reading = this.#again) {
      this.#again = null
      let failure: { readonly thrown: unknown } | null = null
      try {
        await this.#read(reading)
      } catch (thrown) {
        failure = { thrown }
      }
      if (this.#again !== null) continue
      this.#running = null
      if (failure !== null) throw failure.thrown
      return
    }
  }

  async #read({ feed, why }: Reading): Promise<void> {
    if (why === 'check') await this.#check(feed)
    let found = await this.#drain(feed)
    if (why === 'check') return
    for (const waitMs of HINT_WAITS_MS) {
      if (found > 0) return
      await this.#ports.wait(waitMs)
      found = await this.#drain(feed)
    }
  }

  async #drain(feed: PolicyFeed): Promise<number> {
    for (let found = 0; ; found++) {
      const { seq } = this.#ports.load()
      const message = seq === 0 ? await feed.last() : await feed.next(seq + 1)
      if (message === null || message.seq <= seq) return found
      await this.#take(message)
    }
  }

  async #check(feed: PolicyFeed): Promise<void> {
    const cursor = this.#ports.load()
    if (cursor.seq === 0) return
    const last = await feed.last()
    const isOther =
      last === null ||
      last.seq < cursor.seq ||
      (last.seq === cursor.seq && last.timeStamp !== cursor.timeStamp)
    if (isOther) this.#ports.reset()
  }

  #take(message: StoredMessage): Promise<void> {
    const cursor = { seq: message.seq, timeStamp: message.timeStamp }
    return this.#ports.take(message.operation === null ? message.text : null, cursor)
  }
}
