import { ALERT_LEVELS, type AlertLevel } from '../../contract/alert.ts'
import type { AlertMessage, SecondMessage } from '../../contract/messages.ts'

/** What a PoP said of one alert: its events, the oldest first. */
export interface AlertRecord {
  readonly pop: string
  readonly id: string
  readonly events: readonly AlertMessage[]
}

/** `lost`: it was never closed, but its PoP no longer speaks of it (its storage was lost). */
export type AlertStatus = 'open' | 'closed' | 'lost'

/** One alert as the API, the page and atlasctl show it. Times are the PoP's trace time. */
export interface Alert {
  readonly pop: string
  readonly id: string
  readonly state: AlertStatus
  /** The highest level it reached. */
  readonly level: AlertLevel
  readonly sinceMs: number
  readonly endMs: number | null
  readonly peak: number
  readonly features: AlertMessage['features']
  readonly signals: AlertMessage['signals']
  readonly suspects: AlertMessage['suspects']
  readonly undiagnosed: string | null
  readonly events: readonly {
    readonly event: AlertMessage['event']
    readonly level: AlertLevel
    readonly atMs: number
    readonly score: number
  }[]
}

/** Alerts kept per PoP. */
export const KEEP_ALERTS = 200
/** One opening, three rises and one closing are all an honest PoP says of an alert. */
const KEEP_EVENTS = 8

/** The alerts of one PoP, folded from its messages, and how many reached each level since the first. */
export class AlertBook {
  readonly #records = new Map<string, AlertRecord>()
  readonly #reached: Record<AlertLevel, number> = { alert: 0, region: 0, 'early-warning': 0, cascade: 0 }

  /** The oldest first. */
  get records(): AlertRecord[] {
    return [...this.#records.values()]
  }

  record(id: string): AlertRecord | null {
    return this.#records.get(id) ?? null
  }

  /** Alerts that reached each level, those included that are no longer kept. */
  get reached(): Readonly<Record<AlertLevel, number>> {
    return this.#reached
  }

  take(message: AlertMessage): void {
    const { pop, id } = message
    const before = this.#records.get(id)?.events ?? []
    const known = Math.max(-1, ...before.map(({ level }) => rankOf(level)))
    for (const level of ALERT_LEVELS.slice(known + 1, rankOf(message.level) + 1)) this.#reached[level] += 1
    const events = before.length < KEEP_EVENTS ? before : [...before.slice(0, 1), ...before.slice(2)]
    this.#records.set(id, { pop, id, events: [...events, message] })
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= KEEP_ALERTS) break
      this.#records.delete(oldest)
    }
  }
}

/**
 * An alert as its events tell it: what was odd and who is suspected by the last event that knew, the closing one asked last, for
 * it sees traffic that is calm again.
 * @param second the PoP's last tick, which tells whether an alert that was never closed is still its open one
 */
export function alertOf({ pop, id, events }: AlertRecord, second: SecondMessage | null): Alert | null {
  const last = events.at(-1)
  if (!last) return null
  const telling = [
    ...events.filter(({ event }) => event === 'closed'),
    ...events.filter(({ event }) => event !== 'closed'),
  ].reverse()
  const suspects = telling.find((each) => each.suspects && each.suspects.length > 0)?.suspects ?? null
  return {
    pop,
    id,
    state: stateOf(last, second),
    level: events.reduce<AlertLevel>(
      (most, { level }) => (rankOf(level) > rankOf(most) ? level : most),
      'alert',
    ),
    sinceMs: last.sinceMs,
    endMs: last.endMs,
    peak: Math.max(...events.map(({ peak }) => peak)),
    features: telling.find(({ features }) => features.length > 0)?.features ?? [],
    signals: telling.find(({ signals }) => signals.length > 0)?.signals ?? [],
    suspects,
    undiagnosed: suspects ? null : (telling.find((each) => each.undiagnosed !== null)?.undiagnosed ?? null),
    events: events.map(({ event, level, atMs, score }) => ({ event, level, atMs, score })),
  }
}

function stateOf(last: AlertMessage, second: SecondMessage | null): AlertStatus {
  if (last.event === 'closed') return 'closed'
  const spoken = second?.alert
  if (!second || spoken === undefined || spoken?.id === last.id) return 'open'
  const isLater = second.seq > last.seq || second.atMs > last.atMs
  return isLater ? 'lost' : 'open'
}

/** 0 for `alert` to 3 for `cascade`. */
export function rankOf(level: AlertLevel): number {
  return ALERT_LEVELS.indexOf(level)
}
