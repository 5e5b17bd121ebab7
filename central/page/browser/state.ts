import type {
  AckMessage,
  DecisionMessage,
  Message,
  MinuteMessage,
  SecondMessage,
} from '../../../contract/messages.ts'
import type { RatePoint } from '../../ingest/view.ts'
import type { LinkStatus } from '../../nats/link.ts'
import type { ServerEvent } from './live.ts'

export interface PopState {
  readonly pop: string
  second: SecondMessage | null
  lastSeenMs: number
  seconds: RatePoint[]
  minutes: MinuteMessage[]
  acks: AckMessage[]
}

interface Received {
  readonly message: Message
  readonly receivedAtMs: number
}

interface Snapshot {
  readonly nowMs: number
  readonly staleMs: number
  readonly nats: LinkStatus
  readonly pops: readonly PopState[]
  readonly decisions: DecisionMessage[]
}

const KEEP_SECONDS = 900
const KEEP_MINUTES = 360
const KEEP_DECISIONS = 20

/** What the page knows, folded from the live stream. Times are central's: `ahead` is how far its clock is from this one's. */
export class PageState {
  readonly pops = new Map<string, PopState>()
  decisions: DecisionMessage[] = []
  nats: LinkStatus | null = null
  staleMs = 5_000
  #aheadMs = 0

  nowMs(localMs: number): number {
    return localMs + this.#aheadMs
  }

  /** Names of PoPs, in order. */
  names(): string[] {
    return [...this.pops.keys()].sort()
  }

  isStale(pop: PopState, localMs: number): boolean {
    return this.nowMs(localMs) - pop.lastSeenMs > this.staleMs
  }

  apply({ event, data }: ServerEvent, localMs: number): void {
    const body: unknown = JSON.parse(data)
    switch (event) {
      case 'snapshot':
        this.#replace(body as Snapshot, localMs)
        break
      case 'beat':
        this.#aheadMs = (body as { nowMs: number }).nowMs - localMs
        break
      case 'nats':
        this.nats = body as LinkStatus
        break
      case 'second':
      case 'minute':
      case 'ack':
      case 'decision':
        this.#fold(body as Received)
    }
  }

  #fold({ message, receivedAtMs }: Received): void {
    const pop = this.#popOf(message.pop)
    pop.lastSeenMs = Math.max(pop.lastSeenMs, receivedAtMs)
    switch (message.kind) {
      case 'second':
        pop.seconds = pop.seconds.filter((point) => point.atMs < message.atMs).slice(1 - KEEP_SECONDS)
        pop.seconds.push({ atMs: message.atMs, rps: message.rps })
        pop.second = message
        break
      case 'minute':
        pop.minutes = pop.minutes
          .filter((each) => each.minuteStartMs < message.minuteStartMs)
          .slice(1 - KEEP_MINUTES)
        pop.minutes.push(message)
        break
      case 'ack':
        pop.acks = [...pop.acks.filter((each) => each.policy !== message.policy), message]
        break
      case 'decision':
        this.decisions = [message, ...this.decisions].slice(0, KEEP_DECISIONS)
    }
  }

  #replace(snapshot: Snapshot, localMs: number): void {
    this.#aheadMs = snapshot.nowMs - localMs
    this.staleMs = snapshot.staleMs
    this.nats = snapshot.nats
    this.decisions = snapshot.decisions
    this.pops.clear()
    for (const pop of snapshot.pops) this.pops.set(pop.pop, pop)
  }

  #popOf(name: string): PopState {
    const known = this.pops.get(name)
    if (known) return known
    const fresh = { pop: name, second: null, lastSeenMs: 0, seconds: [], minutes: [], acks: [] }
    this.pops.set(name, fresh)
    return fresh
  }
}
