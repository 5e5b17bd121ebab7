/** One event of the live stream. Events of one `replaces` key are coalesced for a slow listener: the last one counts. */
export interface LiveEvent {
  readonly event: string
  readonly data: unknown
  readonly replaces?: string
}

const MAX_PENDING = 2_000

/** What one listener has not read yet: bounded, with newer states in place of older ones. */
export class Mailbox {
  readonly #pending = new Map<string, LiveEvent>()
  #serial = 0
  #wake: (() => void) | null = null
  #closed = false

  /** Adds an event. A listener that is too far behind is closed; it comes again and gets a fresh snapshot. */
  push(event: LiveEvent): void {
    if (this.#closed) return
    const key = event.replaces ?? `#${this.#serial++}`
    this.#pending.delete(key)
    this.#pending.set(key, event)
    if (this.#pending.size > MAX_PENDING) this.close()
    this.#wake?.()
  }

  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  /** The events so far, in order; waits up to `waitMs` for the first. Null once closed. */
  async take(waitMs: number): Promise<LiveEvent[] | null> {
    if (this.#pending.size === 0 && !this.#closed) await this.#arrival(waitMs)
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

/** Hands each event to every listener. */
export class Broadcast {
  readonly #mailboxes = new Set<Mailbox>()
  readonly #most: number

  constructor(mostListeners = 64) {
    this.#most = mostListeners
  }

  get listeners(): number {
    return this.#mailboxes.size
  }

  /** A new listener's mailbox, or null when there are too many. */
  open(): Mailbox | null {
    if (this.#mailboxes.size >= this.#most) return null
    const mailbox = new Mailbox()
    this.#mailboxes.add(mailbox)
    return mailbox
  }

  drop(mailbox: Mailbox): void {
    mailbox.close()
    this.#mailboxes.delete(mailbox)
  }

  send(event: LiveEvent): void {
    for (const mailbox of this.#mailboxes) mailbox.push(event)
  }

  closeAll(): void {
    for (const mailbox of [...this.#mailboxes]) this.drop(mailbox)
  }
}
