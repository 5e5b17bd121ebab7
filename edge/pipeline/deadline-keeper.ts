/** A request that waits for its first byte. */
interface Waiting {
  readonly atMs: number
  /** Called once: the deadline has passed, or else the keeper ends and the request must watch its deadline itself. */
  readonly wake: (expired: boolean) => void
}

export interface DeadlineKeeperPorts {
  readonly wallMs: () => number
  readonly sleep: (ms: number) => Promise<unknown>
}

/** Longest sleep of the keeper; a deadline nearer than its next waking is not taken. */
const SLEEP_MS = 250
/** A runtime may end what runs on after a response, so a keeper hands over long before. */
const LIFE_MS = 15_000
const LATE_MS = 1000

/**
 * One timer for the deadlines of all waiting requests. A timer of its own costs a request 10 µs in workerd, a place
 * here 0.3; the keeper runs in the background of some request, and wakes at the earliest deadline or every 250 ms.
 * What it resolves continues in the waiting request's own context, which needs the compatibility flag
 * `handle_cross_request_promise_resolution` (the default since 2024-10-14).
 */
export class DeadlineKeeper {
  readonly #ports: DeadlineKeeperPorts
  readonly #waiting = new Set<Waiting>()
  #wakeMs = Number.NEGATIVE_INFINITY
  #aliveUntilMs = Number.NEGATIVE_INFINITY
  #task = 0

  constructor(ports: DeadlineKeeperPorts) {
    this.#ports = ports
  }

  get size(): number {
    return this.#waiting.size
  }

  /** No task is under way, or the clock was set back since one said so. */
  due(nowMs: number): boolean {
    return nowMs >= this.#aliveUntilMs || nowMs < this.#aliveUntilMs - SLEEP_MS - LATE_MS
  }

  /** The task to run in the background. */
  start(nowMs: number): Promise<void> {
    return this.#run(nowMs, ++this.#task)
  }

  /** Takes a deadline; null when it comes before the keeper wakes, so that the request needs a timer of its own. */
  keep(atMs: number, wake: (expired: boolean) => void): Waiting | null {
    if (atMs < this.#wakeMs || this.#aliveUntilMs === Number.NEGATIVE_INFINITY) return null
    const waiting = { atMs, wake }
    this.#waiting.add(waiting)
    return waiting
  }

  drop(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  async #run(startMs: number, task: number): Promise<void> {
    let nowMs = startMs
    do {
      this.#wakeMs = Math.min(nowMs + SLEEP_MS, this.#earliestMs())
      this.#aliveUntilMs = this.#wakeMs + LATE_MS
      await this.#ports.sleep(Math.max(1, this.#wakeMs - nowMs))
      if (task !== this.#task) return
      nowMs = this.#ports.wallMs()
      this.#expire(nowMs)
    } while (this.#waiting.size > 0 && nowMs - startMs < LIFE_MS)
    this.#aliveUntilMs = Number.NEGATIVE_INFINITY
    for (const waiting of this.#waiting) waiting.wake(false)
    this.#waiting.clear()
  }

  #earliestMs(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const { atMs } of this.#waiting) if (atMs < earliest) earliest = atMs
    return earliest
  }

  #expire(nowMs: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.atMs > nowMs) continue
      this.#waiting.delete(waiting)
      waiting.wake(true)
    }
  }
}
