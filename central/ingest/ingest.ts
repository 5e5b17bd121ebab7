import { DeliverPolicy, type JetStreamManager, type JsMsg, type NatsConnection } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { type Message, parseMessage } from '../../contract/messages.ts'
import { STREAMS } from '../../contract/subjects.ts'
import type { View } from './view.ts'

/** Counts of what came in, since the process started. */
export interface IngestCounts {
  applied: number
  repeated: number
  refused: number
  /** Newest stream sequence read, per feed. */
  readonly cursors: Record<string, number>
}

export interface IngestOptions {
  readonly view: View
  readonly wallMs: () => number
  /** A message was folded into the view. */
  readonly onMessage: (message: Message, receivedAtMs: number) => void
  /** A message was refused; called once per subject and reason. */
  readonly onRefused: (subject: string, reason: string) => void
}

/** How much of a stream's past is read into an empty view. */
type Past = { readonly lastMs: number } | { readonly lastMessages: number }

interface Feed {
  readonly name: string
  readonly stream: string
  readonly filter: string
  readonly past: Past
}

const SECONDS = 'atlas.telemetry.*.second'
/** How far back seconds are read. */
const SECONDS_MS = 900_000

const FEEDS: readonly Feed[] = [
  {
    name: 'second',
    stream: STREAMS.telemetry,
    filter: SECONDS,
    past: { lastMs: SECONDS_MS },
  },
  {
    name: 'minute',
    stream: STREAMS.telemetry,
    filter: 'atlas.telemetry.*.minute',
    past: { lastMs: 6 * 3_600_000 },
  },
  {
    name: 'ack',
    stream: STREAMS.ack,
    filter: 'atlas.ack.>',
    past: { lastMessages: Number.MAX_SAFE_INTEGER },
  },
  {
    name: 'decision',
    stream: STREAMS.audit,
    filter: 'atlas.audit.*.decision',
    past: { lastMessages: 20_000 },
  },
  {
    name: 'alert',
    stream: STREAMS.audit,
    filter: 'atlas.audit.*.alert',
    past: { lastMessages: 20_000 },
  },
]

const REASONS_KEPT = 200
/** A second of 31 modules is about 8 kB. */
const MAX_MESSAGE_BYTES = 65_536

/**
 * Reads the streams into the view. Every central process needs every message, so each reads by ordered consumers of its
 * own and keeps the place by stream sequence; a shared durable consumer would split the messages between processes.
 */
export class Ingest {
  readonly counts: IngestCounts = { applied: 0, repeated: 0, refused: 0, cursors: {} }
  readonly #options: IngestOptions
  readonly #reasons = new Set<string>()
  /** When each feed's stream was made: one that was made anew is read from its past again; the view knows repeats. */
  readonly #created = new Map<string, string>()

  constructor(options: IngestOptions) {
    this.#options = options
  }

  /**
   * Reads on a fresh connection: from where the last one ended, or from the recent past. Returns when the readers run;
   * they end with `ended`.
   */
  async start(connection: NatsConnection, ended: AbortSignal): Promise<void> {
    const manager = await connection.jetstreamManager({ timeout: 5_000 })
    await this.#lastSeconds(manager)
    for (const feed of FEEDS) await this.#read(connection, manager, feed, ended)
  }

  /** Folds in one message; what is wrong with it is counted and said once. Never throws. */
  take(subject: string, data: Uint8Array, receivedAtMs: number): void {
    try {
      if (data.length > MAX_MESSAGE_BYTES)
        throw new AtlasError(
          'message/invalid',
          `it has ${data.length} bytes; ${MAX_MESSAGE_BYTES} is the most`,
        )
      const message = parseMessage(new TextDecoder().decode(data))
      const [, , sender, last] = subject.split('.')
      if (message.pop !== sender)
        throw new AtlasError('message/invalid', `it says it is of PoP ${JSON.stringify(message.pop)}`)
      if (last !== (message.kind === 'ack' ? message.policy : message.kind))
        throw new AtlasError('message/invalid', `a message of kind "${message.kind}" does not belong there`)
      const applied = this.#options.view.apply(message, receivedAtMs)
      this.counts[applied] += 1
      if (applied === 'applied') this.#options.onMessage(message, receivedAtMs)
    } catch (thrown) {
      this.counts.refused += 1
      this.#sayOnce(subject, messageOf(thrown).slice(0, 300))
    }
  }

  #sayOnce(subject: string, reason: string): void {
    const key = `${subject} ${reason}`
    if (this.#reasons.has(key) || this.#reasons.size >= REASONS_KEPT) return
    this.#reasons.add(key)
    this.#options.onRefused(subject, reason)
  }

  /** A PoP that has been silent for longer than the past that is read still has a last second. */
  async #lastSeconds(manager: JetStreamManager): Promise<void> {
    const info = await manager.streams.info(STREAMS.telemetry, { subjects_filter: SECONDS })
    const horizonMs = this.#options.wallMs() - SECONDS_MS
    for (const subject of Object.keys(info.state.subjects ?? {})) {
      if (this.#options.view.pop(subject.split('.')[2] ?? '')) continue
      const last = await manager.streams.getMessage(STREAMS.telemetry, { last_by_subj: subject })
      if (last.time.getTime() < horizonMs) this.take(subject, last.data, last.time.getTime())
    }
  }

  async #read(
    connection: NatsConnection,
    manager: JetStreamManager,
    feed: Feed,
    ended: AbortSignal,
  ): Promise<void> {
    const info = await manager.streams.info(feed.stream)
    const cursor = this.counts.cursors[feed.name] ?? 0
    const same = this.#created.get(feed.name) === String(info.created)
    this.#created.set(feed.name, String(info.created))
    const from = cursor > 0 && same ? { lastSeq: cursor } : this.#past(feed, info.state)
    const consumer = await connection.jetstream({ timeout: 5_000 }).consumers.get(feed.stream, {
      filterSubjects: feed.filter,
      ...('lastSeq' in from
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.lastSeq + 1 }
        : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.time }),
    })
    const messages = await consumer.consume({
      max_messages: 500,
      callback: (message: JsMsg) => {
        this.counts.cursors[feed.name] = message.seq
        this.take(message.subject, message.data, message.info.timestampNanos / 1e6)
      },
    })
    ended.addEventListener('abort', () => messages.stop(), { once: true })
  }

  #past(feed: Feed, state: { first_seq: number; last_seq: number }): { lastSeq: number } | { time: string } {
    if ('lastMessages' in feed.past)
      return { lastSeq: Math.max(state.first_seq - 1, state.last_seq - feed.past.lastMessages, 0) }
    return { time: new Date(this.#options.wallMs() - feed.past.lastMs).toISOString() }
  }
}
