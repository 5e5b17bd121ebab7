import { connect, type NatsConnection, nkeyAuthenticator } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'

export interface LinkStatus {
  readonly state: 'connecting' | 'connected' | 'disconnected'
  /** Why it is not connected; null when it is. */
  readonly error: string | null
  /** Wall time since which it has been in this state. */
  readonly sinceMs: number
}

export interface LinkOptions {
  readonly url: string
  /** Central's nkey seed; null for a server without users (tests). */
  readonly seed: string | null
  readonly wallMs: () => number
  /** Prepares a fresh connection (streams, consumers) before it counts as connected. `ended` aborts when it is lost. */
  readonly prepare: (connection: NatsConnection, ended: AbortSignal) => Promise<void>
  readonly onChange?: (status: LinkStatus) => void
}

const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 3_000

/**
 * A connection to NATS that is kept for ever. Each loss ends the session and a fresh one is made and prepared anew, so
 * there is one way to start, not two. Nothing waits for it: `connection()` answers or throws at once.
 */
export class NatsLink {
  readonly #options: LinkOptions
  readonly #stop = new AbortController()
  #connection: NatsConnection | null = null
  #status: LinkStatus
  #running: Promise<void> | null = null

  constructor(options: LinkOptions) {
    this.#options = options
    this.#status = { state: 'connecting', error: null, sinceMs: options.wallMs() }
  }

  get status(): LinkStatus {
    return this.#status
  }

  /** @throws AtlasError `sync/unavailable` while NATS is away */
  connection(): NatsConnection {
    if (this.#connection) return this.#connection
    throw new AtlasError('sync/unavailable', `NATS is away: ${this.#status.error ?? 'still connecting'}`)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Sends what is buffered, closes the connection and stops trying. */
  async close(): Promise<void> {
    this.#stop.abort()
    const connection = this.#connection
    await connection?.flush().catch(() => undefined)
    await connection?.close().catch(() => undefined)
    await this.#running
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MIN_MS
    while (!this.#stop.signal.aborted) {
      try {
        await this.#session(() => {
          retryMs = RETRY_MIN_MS
        })
      } catch (thrown) {
        this.#set('disconnected', this.#reason(thrown))
      }
      await pause(retryMs, this.#stop.signal)
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
    }
  }

  async #session(onReady: () => void): Promise<void> {
    const { url, seed, prepare } = this.#options
    const ended = new AbortController()
    const connection = await connect({
      servers: url,
      name: 'atlas-central',
      ...(seed === null ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
      reconnect: false,
      timeout: 5_000,
      pingInterval: 5_000,
      maxPingOut: 2,
    })
    const closed = connection.closed().finally(() => ended.abort())
    try {
      if (this.#stop.signal.aborted) return
      await Promise.race([prepare(connection, ended.signal), closed])
      if (connection.isClosed()) throw new Error('connection lost while it was prepared')
      this.#connection = connection
      this.#set('connected', null)
      onReady()
      const cause = await closed
      this.#connection = null
      this.#set('disconnected', cause && messageOf(cause) ? messageOf(cause) : 'the connection broke')
    } finally {
      this.#connection = null
      await connection.close().catch(() => undefined)
    }
  }

  /** A WebSocket does not say why it failed to open. */
  #reason(thrown: unknown): string {
    const text = messageOf(thrown)
    const silent = text === '' || text.startsWith('Received network error')
    return silent ? `nobody answers at ${new URL(this.#options.url).host}` : text
  }

  #set(state: LinkStatus['state'], error: string | null): void {
    const { state: before, sinceMs } = this.#status
    this.#status = { state, error, sinceMs: before === state ? sinceMs : this.#options.wallMs() }
    if (before !== state) this.#options.onChange?.(this.#status)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', done)
      resolve()
    }, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
