import type {
  AckMessage,
  DecisionMessage,
  Message,
  MinuteMessage,
  SecondMessage,
  SuspectModule,
} from '../../../contract/messages.ts'
import type { Alert } from '../../ingest/alert-book.ts'
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
  /** The newest first. */
  alerts: Alert[]
}

interface Received {
  readonly message: Message
  readonly receivedAtMs: number
  /** With a message of an alert: what all its events so far tell. */
  readonly alert?: Alert | null
}

interface Snapshot {
  readonly nowMs: number
  readonly staleMs: number
  readonly nats: LinkStatus
  readonly pops: readonly Omit<PopState, 'alerts'>[]
  readonly decisions: DecisionMessage[]
  readonly alerts: Alert[]
}

const KEEP_SECONDS = 900
const KEEP_MINUTES = 360
const KEEP_DECISIONS = 20
const KEEP_ALERTS = 20

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
      case 'alert':
        this.#fold(body as Received)
    }
  }

  #fold({ message, receivedAtMs, alert }: Received): void {
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
        break
      case 'alert':
        if (alert) pop.alerts = withAlert(pop.alerts, alert)
    }
  }

  #replace(snapshot: Snapshot, localMs: number): void {
    this.#aheadMs = snapshot.nowMs - localMs
    this.staleMs = snapshot.staleMs
    this.nats = snapshot.nats
    this.decisions = snapshot.decisions
    this.pops.clear()
    for (const pop of snapshot.pops) this.pops.set(pop.pop, { ...pop, alerts: [] })
    for (const alert of snapshot.alerts) {
      const pop = this.#popOf(alert.pop)
      pop.alerts = withAlert(pop.alerts, alert)
    }
  }

  #popOf(name: string): PopState {
    const known = this.pops.get(name)
    if (known) return known
    const fresh = { pop: name, second: null, lastSeenMs: 0, seconds: [], minutes: [], acks: [], alerts: [] }
    this.pops.set(name, fresh)
    return fresh
  }
}

/** A PoP has one open alert at most: an older one that was never closed is lost. */
function withAlert(alerts: readonly Alert[], alert: Alert): Alert[] {
  return [alert, ...alerts.filter(({ id }) => id !== alert.id)]
    .sort((a, b) => b.sinceMs - a.sinceMs)
    .map((each, index) => (index > 0 && each.state === 'open' ? { ...each, state: 'lost' as const } : each))
    .slice(0, KEEP_ALERTS)
}

/** The alert that a PoP has open. */
export function openAlert({ alerts }: PopState): Alert | null {
  return alerts.find(({ state }) => state === 'open') ?? null
}

/** The module that is at fault by the PoP's newest word; null when nobody is suspected now. */
export function suspectOf(pop: PopState): SuspectModule | null {
  const said = pop.second?.alert
  if (said !== undefined) return said?.suspect ?? null
  return openAlert(pop)?.suspects?.[0] ?? null
}
