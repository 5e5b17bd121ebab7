import { messageOf } from '../../contract/errors.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import type { Random } from '../../contract/ports.ts'
import { backoffMs } from './backoff.ts'
import { envelope, type OutboxQueue, type OutboxRow } from './envelope.ts'
import type { Connection, ModelFeed } from './nats-connection.ts'
import type { PolicyFeed } from './policy-sync.ts'

const RECONNECT_FIRST_MS = 100
const RECONNECT_MOST_MS = 5000
const RETRY_FIRST_MS = 200
const RETRY_MOST_MS = 5000
const BATCH = 64
const FAULTS = ['session', 'denied', 'publish', 'sync', 'models'] as const
type Fault = (typeof FAULTS)[number]

export interface NatsLinkPorts {
  open(): Promise<Connection>
  readonly outbox: OutboxQueue
  readonly pop: string
  /** Tells this PoP's storage from an earlier one of the same name: part of each message's id. */
  readonly epoch: string
  syncPolicy(feed: PolicyFeed, why: 'hint' | 'check'): Promise<void>
  syncModels(feed: ModelFeed, why: 'hint' | 'check'): Promise<void>
  wait(ms: number): Promise<void>
  readonly random: Random
}

/**
 * The PoP's link to central: for ever connects, and while connected publishes the outbox in strict order, one message at a
 * time, each forgotten only when the server has acknowledged it. Whatever fails is tried again with backoff; only a
 * message too large for the server is given up. Nothing here is waited for by a tick or a flush.
 */
export class NatsLink {
  readonly #ports: NatsLinkPorts
  #state: PopStatus['link']['state'] = 'connecting'
  /** What stands against the link, the weightiest first: session, the server's refusals, publishing, policies, models. */
  readonly #faults: Record<Fault, string | null> = {
    session: null,
    denied: null,
    publish: null,
    sync: null,
    models: null,
  }
  #connection: Connection | null = null
  #draining = false
  #givenUp = 0

  constructor(ports: NatsLinkPorts) {
    this.#ports = ports
  }

  get state(): PopStatus['link']['state'] {
    return this.#state
  }

  /** Why the link is down or what the server last refused; null when all is well. */
  get error(): string | null {
    return FAULTS.map((fault) => this.#faults[fault]).find((reason) => reason !== null) ?? null
  }

  /** Messages too large for the server. */
  get givenUp(): number {
    return this.#givenUp
  }

  /** Connects, and connects again whenever the session ends. Never returns. */
  async run(): Promise<never> {
    for (let failures = 0; ; failures++) {
      try {
        const connection = await this.#ports.open()
        failures = 0
        await this.#session(connection)
        this.#state = 'disconnected'
      } catch (thrown) {
        this.#state = 'disconnected'
        this.#faults.session = messageOf(thrown) || 'the server cannot be reached'
      }
      await this.#ports.wait(backoffMs(failures, RECONNECT_FIRST_MS, RECONNECT_MOST_MS, this.#ports.random))
    }
  }

  /** There is something in the outbox: send it now, if the link is up. */
  kick(): void {
    const connection = this.#connection
    if (connection === null || this.#draining) return
    this.#draining = true
    void this.#drain(connection).catch((thrown: unknown) => {
      this.#draining = false
      this.#faults.publish = messageOf(thrown)
    })
  }

  /** Finds out whether something was missed: now and then, in case a hint was lost. */
  check(): void {
    if (this.#connection === null) return
    void this.#sync(this.#connection, 'check')
    void this.#syncModels(this.#connection, 'check')
  }

  async #session(connection: Connection): Promise<void> {
    this.#connection = connection
    this.#state = 'connected'
    for (const fault of FAULTS) this.#faults[fault] = null
    connection.onDenied((reason) => {
      this.#faults.denied = reason
    })
    connection.onHint(() => void this.#sync(connection, 'hint'))
    connection.models.onHint(() => void this.#syncModels(connection, 'hint'))
    void this.#sync(connection, 'check')
    void this.#syncModels(connection, 'check')
    this.kick()
    try {
      this.#faults.session = await connection.closed
    } finally {
      this.#connection = null
      await connection.close().catch(() => undefined)
    }
  }

  async #sync(connection: Connection, why: 'hint' | 'check'): Promise<void> {
    try {
      await this.#ports.syncPolicy(connection.policies, why)
      this.#faults.sync = null
    } catch (thrown) {
      this.#faults.sync = messageOf(thrown)
    }
  }

  /** Apart from policies: a policy never waits for a model's download. */
  async #syncModels(connection: Connection, why: 'hint' | 'check'): Promise<void> {
    try {
      await this.#ports.syncModels(connection.models, why)
      this.#faults.models = null
    } catch (thrown) {
      this.#faults.models = `models: ${messageOf(thrown)}`
    }
  }

  async #drain(connection: Connection): Promise<void> {
    let failures = 0
    while (this.#connection === connection) {
      const rows = this.#ports.outbox.peek(BATCH)
      if (rows.length === 0) {
        this.#draining = false
        return
      }
      for (const row of rows) {
        if (this.#connection !== connection) break
        const failure = await this.#publish(connection, row)
        if (this.#connection === connection) this.#faults.publish = failure
        if (failure === null) {
          failures = 0
          continue
        }
        await this.#ports.wait(backoffMs(failures++, RETRY_FIRST_MS, RETRY_MOST_MS, this.#ports.random))
        break
      }
    }
    this.#draining = false
    this.kick()
  }

  /** Null when the row is done with, else why it must be tried again. */
  async #publish(connection: Connection, row: OutboxRow): Promise<string | null> {
    const { subject, body } = envelope(this.#ports.pop, row)
    try {
      await connection.publish(subject, body, `${this.#ports.pop}-${this.#ports.epoch}-${row.seq}`)
    } catch (thrown) {
      if (!isTooLarge(thrown)) return `publish to ${subject}: ${messageOf(thrown)}`
      this.#givenUp++
    }
    this.#ports.outbox.remove(row.seq)
    return null
  }
}

/** The server will never take this message: everything else may pass. */
function isTooLarge(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code
  const apiCode = (thrown as { api_error?: { err_code?: unknown } } | null)?.api_error?.err_code
  return code === 'MAX_PAYLOAD_EXCEEDED' || apiCode === 10054
}
