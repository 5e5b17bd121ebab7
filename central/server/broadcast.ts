/** One event of the live stream. Events of one `replaces` key are coalesced for a slow listener: the last one counts. */
export interface LiveEvent {
  readonly event: string
  readonly data: unknown
  readonly replaces?: string
}

const MAX_PENDING = 2_000
/** A listener that has not come back for so long, with its last answer in hand, does not read any more. */
const STALLED_MS = 30_000

/** What one listener has not read yet: bounded, with newer states in place of older ones. */
export class Mailbox {
  readonly #pending = new Map<string, LiveEvent>()
  readonly #nowMs: () => number
  readonly #onLost: () => void
  #serial = 0
  #wake: (() => void) | null = null
  #closed = false
  /** When the listener last went away with its events; null while it waits. */
  #awaySinceMs: number | null

  /** @param onLost the listener was given up: it is too far behind, or reads no more */
  constructor(nowMs: () => number = Date.now, onLost: () => void = () => undefined) {
    this.#nowMs = nowMs
    this.#onLost = onLost
    this.#awaySinceMs = nowMs()
  }

  get isStalled(): boolean {
    return this.#awaySinceMs !== null && this.#nowMs() - this.#awaySinceMs >= STALLED_MS
  }

  /** Adds an event. A listener that is too far behind is given up; it comes again and gets a fresh snapshot. */
  push(event: LiveEvent): void {
    if (this.#closed) return
    const key = event.replaces ?? `#${this.#serial++}`
    this.#pending.delete(key)
    this.#pending.set(key, event)
    if (this.#pending.size > MAX_PENDING) this.giveUp()
    this.#wake?.()
  }

  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  giveUp(): void {
    this.close()
    this.#onLost()
  }

  /** The events so far, in order; waits up to `waitMs` for the first. Null once closed. */
  async take(waitMs: number): Promise<LiveEvent[] | null> {
    this.#awaySinceMs = null
    if (this.#pending.size === 0 && !this.#closed) await this.#arrival(waitMs)
    this.#awaySinceMs = this.#nowMs()
    if (this.#closed) return null
    const events = [...this.#pending.values()]
    this.#pending.clear()
    return events
  }

  #arrival(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      this.#wake = done
    })
  }
}

/** Why a listener is not taken: there are too many, or too many of its client. */
export type Crowd = 'all' | 'client'

export interface BroadcastLimits {
  readonly listeners: number
  /** Of one client: one token, or all who come without. */
  readonly perClient: number
}

export const BROADCAST_LIMITS: BroadcastLimits = { listeners: 64, perClient: 16 }

/** Hands each event to every listener. Those who read no more are given up, so that they hold no place. */
export class Broadcast {
  /** Each mailbox, and whose it is. */
  readonly #mailboxes = new Map<Mailbox, string>()
  readonly #limits: BroadcastLimits
  readonly #nowMs: () => number

  constructor(limits: BroadcastLimits = BROADCAST_LIMITS, nowMs: () => number = Date.now) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  get listeners(): number {
    return this.#mailboxes.size
  }

  /**
   * A new listener's mailbox, or why there is none.
   * @param onLost called when central gives the listener up
   */
  open(client: string, onLost: () => void = () => undefined): Mailbox | Crowd {
    this.#dropStalled()
    const own = [...this.#mailboxes.values()].filter((each) => each === client).length
    if (own >= this.#limits.perClient) return 'client'
    if (this.#mailboxes.size >= this.#limits.listeners) return 'all'
    const mailbox = new Mailbox(this.#nowMs, () => {
      this.#mailboxes.delete(mailbox)
      onLost()
    })
    this.#mailboxes.set(mailbox, client)
    return mailbox
  }

  drop(mailbox: Mailbox): void {
    mailbox.close()
    this.#mailboxes.delete(mailbox)
  }

  send(event: LiveEvent): void {
    this.#dropStalled()
    for (const mailbox of this.#mailboxes.keys()) mailbox.push(event)
  }

  closeAll(): void {
    for (const mailbox of [...this.#mailboxes.keys()]) this.drop(mailbox)
  }

  #dropStalled(): void {
    for (const mailbox of [...this.#mailboxes.keys()]) if (mailbox.isStalled) mailbox.giveUp()
  }
}
