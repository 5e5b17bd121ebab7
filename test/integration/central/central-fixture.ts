import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createToken, type TokenFile } from '../../../central/auth/token-file.ts'
import { DEFAULT_LIMITS } from '../../../central/nats/streams.ts'
import {
  createSigningKey,
  parseSigningKey,
  type SigningKeyFile,
} from '../../../central/policy/signing-key.ts'
import { type Central, startCentral } from '../../../central/server/central.ts'
import type { NatsFixture } from './nats-fixture.ts'

/** Central in this process, over a real nats-server; with a token per scope. */
export class CentralFixture {
  readonly nats: NatsFixture
  readonly tokens: { readonly read: string; readonly push: string; readonly admin: string }
  readonly lines: string[] = []
  key: SigningKeyFile | null = null
  #file: TokenFile
  #central: Central | null = null

  constructor(nats: NatsFixture) {
    this.nats = nats
    const [read, push, admin] = [
      createToken('reader', ['read']),
      createToken('pusher', ['push']),
      createToken('boss', ['admin']),
    ]
    this.tokens = { read: read.token, push: push.token, admin: admin.token }
    this.#file = { tokens: [read.entry, push.entry, admin.entry] }
  }

  /** @param gauge configuration of workerd that models are measured in; without it none can be put */
  async start(gauge: string | null = null): Promise<void> {
    this.key ??= await createSigningKey()
    const tokensFile = join(this.nats.dir, 'tokens.json')
    writeFileSync(tokensFile, JSON.stringify(this.#file))
    this.#central = await startCentral(
      {
        host: '127.0.0.1',
        port: 0,
        nats: { url: this.nats.url, seed: this.nats.central.seed },
        signingKey: await parseSigningKey(JSON.stringify(this.key)),
        tokensFile,
        tokens: this.#file,
        openRead: true,
        staleMs: 2_000,
        gauge,
        limits: DEFAULT_LIMITS,
        trainEveryDays: 0,
      },
      (event, facts) => this.lines.push(`${event} ${JSON.stringify(facts ?? {})}`),
      () => Date.now(),
    )
  }

  async stop(): Promise<void> {
    await this.#central?.stop()
    this.#central = null
  }

  get url(): string {
    return this.#central?.url ?? ''
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers })
  }

  async json<T>(path: string): Promise<T> {
    return (await (await this.get(path)).json()) as T
  }

  put(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'PUT',
      body,
      headers: { authorization: `Bearer ${this.tokens.push}`, ...headers },
    })
  }

  async connected(): Promise<boolean> {
    return (await this.get('/readyz')).ok
  }
}
