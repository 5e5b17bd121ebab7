import type {
  AckMessage,
  DecisionMessage,
  Message,
  MinuteMessage,
  ModelMessage,
  SecondMessage,
} from '../../contract/messages.ts'
import { type Alert, AlertBook, type AlertStatus, alertOf } from './alert-book.ts'

/** One measured point of a PoP, in trace time. */
export interface RatePoint {
  readonly atMs: number
  readonly rps: number
}

/** What is known of one PoP. */
export interface PopView {
  readonly pop: string
  readonly second: SecondMessage | null
  /** Wall time at which JetStream took the last message. */
  readonly lastSeenMs: number
  readonly seconds: readonly RatePoint[]
  readonly minutes: readonly MinuteMessage[]
  /** The last acknowledgement per policy. */
  readonly acks: ReadonlyMap<string, AckMessage>
  readonly lastDecision: DecisionMessage | null
  readonly alerts: Pick<AlertBook, 'records' | 'record' | 'reached'>
  /** What it did with the last release of models. */
  readonly model: ModelMessage | null
}

/** What became of a message: taken, or known already. */
export type Applied = 'applied' | 'repeated'

interface MutablePop {
  pop: string
  second: SecondMessage | null
  lastSeenMs: number
  seconds: RatePoint[]
  minutes: MinuteMessage[]
  acks: Map<string, AckMessage>
  lastDecision: DecisionMessage | null
  alerts: AlertBook
  model: ModelMessage | null
}

interface HighWater {
  seq: number
  atMs: number
}

export const KEEP_SECONDS = 900
export const KEEP_MINUTES = 360
/** Policies whose acknowledgement is kept per PoP: the names are of the PoP's choosing. */
export const KEEP_ACKS = 64
export const KEEP_DECISIONS = 5_000

/**
 * Central's picture of all PoPs, folded from the streams. It holds nothing that the streams do not: a new process
 * reads them again and has the same picture. No I/O, no clock.
 */
export class View {
  readonly #pops = new Map<string, MutablePop>()
  readonly #high = new Map<string, HighWater>()
  readonly #decisions = new Map<string, DecisionMessage>()

  /**
   * Folds one message in. Idempotent: an outbox may send twice, and the second time is `repeated`. A PoP whose storage
   * was lost numbers from the start again; its later time tells that from a repeat.
   * @param receivedAtMs wall time at which JetStream took it
   */
  apply(message: Message, receivedAtMs: number): Applied {
    const subject = `${message.pop} ${message.kind} ${message.kind === 'ack' ? message.policy : ''}`
    const high = this.#high.get(subject)
    if (high && message.seq <= high.seq && message.atMs <= high.atMs) return 'repeated'
    this.#high.set(subject, { seq: message.seq, atMs: message.atMs })
    const pop = this.#popOf(message.pop)
    pop.lastSeenMs = Math.max(pop.lastSeenMs, receivedAtMs)
    switch (message.kind) {
      case 'second':
        dropFuture(pop, message.atMs)
        pop.second = message
        keep(pop.seconds, { atMs: message.atMs, rps: message.rps }, KEEP_SECONDS)
        break
      case 'minute':
        pop.minutes = pop.minutes.filter((each) => each.minuteStartMs < message.minuteStartMs)
        keep(pop.minutes, message, KEEP_MINUTES)
        break
      case 'decision':
        pop.lastDecision = message
        this.#keepDecision(message)
        break
      case 'alert':
        pop.alerts.take(message)
        break
      case 'ack':
        this.#keepAck(pop, message)
        break
      case 'model':
        pop.model = message
    }
    return 'applied'
  }

  pop(name: string): PopView | null {
    return this.#pops.get(name) ?? null
  }

  /** All PoPs, by name. */
  pops(): PopView[] {
    return [...this.#pops.values()].sort((a, b) => (a.pop < b.pop ? -1 : 1))
  }

  /** The newest decision of this id; PoPs choose ids themselves, so `pop` tells equal ones apart. */
  decision(id: string, pop?: string): DecisionMessage | null {
    return this.decisions(KEEP_DECISIONS, pop).find((each) => each.id === id) ?? null
  }

  /** The newest first; of one PoP, or of all. */
  decisions(limit: number, pop?: string): DecisionMessage[] {
    const newestFirst = [...this.#decisions.values()].reverse()
    return newestFirst.filter((each) => pop === undefined || each.pop === pop).slice(0, limit)
  }

  /** The newest first; of one PoP or all, in one state or any. */
  alerts(
    limit: number,
    only: { readonly pop?: string; readonly states?: readonly AlertStatus[] } = {},
  ): Alert[] {
    return this.pops()
      .filter(({ pop }) => only.pop === undefined || pop === only.pop)
      .flatMap(alertsOf)
      .filter(({ state }) => only.states?.includes(state) ?? true)
      .sort((a, b) => b.sinceMs - a.sinceMs)
      .slice(0, limit)
  }

  /** The newest alert of this id; `pop` tells equal ones apart. */
  alert(id: string, pop?: string): Alert | null {
    const found = this.pops().flatMap((view) => {
      const record = pop === undefined || pop === view.pop ? view.alerts.record(id) : null
      return (record && alertOf(record, view.second)) ?? []
    })
    return found.sort((a, b) => b.sinceMs - a.sinceMs)[0] ?? null
  }

  #keepDecision(message: DecisionMessage): void {
    this.#decisions.set(`${message.pop} ${message.id}`, message)
    if (this.#decisions.size <= KEEP_DECISIONS) return
    for (const oldest of this.#decisions.keys()) {
      this.#decisions.delete(oldest)
      return
    }
  }

  #keepAck(pop: MutablePop, message: AckMessage): void {
    pop.acks.set(message.policy, message)
    if (pop.acks.size <= KEEP_ACKS) return
    for (const oldest of pop.acks.keys()) {
      pop.acks.delete(oldest)
      this.#high.delete(`${pop.pop} ack ${oldest}`)
      return
    }
  }

  #popOf(name: string): MutablePop {
    const known = this.#pops.get(name)
    if (known) return known
    const fresh: MutablePop = {
      pop: name,
      second: null,
      lastSeenMs: 0,
      seconds: [],
      minutes: [],
      acks: new Map(),
      lastDecision: null,
      alerts: new AlertBook(),
      model: null,
    }
    this.#pops.set(name, fresh)
    return fresh
  }
}

/** The alerts of a PoP, the oldest first. */
export function alertsOf({ alerts, second }: PopView): Alert[] {
  return alerts.records.flatMap((record) => alertOf(record, second) ?? [])
}

/** Time that ran backwards is another trace: later points of the one before do not belong on the same axis. */
function dropFuture(pop: MutablePop, nowMs: number): void {
  if (!pop.second || nowMs >= pop.second.atMs) return
  pop.seconds = pop.seconds.filter((each) => each.atMs < nowMs)
  pop.minutes = pop.minutes.filter((each) => each.minuteStartMs < nowMs)
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item)
  if (list.length > most) list.splice(0, list.length - most)
}
