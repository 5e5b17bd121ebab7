import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection, nkeyAuthenticator } from 'nats.ws'
import { createNkey, type Nkey } from '../../../central/nats/nkey.ts'
import { natsServerConfig } from '../../../central/nats/server-config.ts'
import { findNatsServer } from '../../../central/up/nats-binary.ts'
import type { Message } from '../../../contract/messages.ts'
import { subjects } from '../../../contract/subjects.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'

/** A real nats-server on free ports with central's own configuration, that can be killed and started again. */
export class NatsFixture {
  readonly dir = mkdtempSync(join(tmpdir(), 'atlas-nats-test-'))
  readonly central = createNkey()
  readonly pops: Readonly<Record<string, Nkey>>
  #port = 0
  #webSocketPort = 0
  #process: ChildProcess | null = null
  #binary = ''

  constructor(popNames: readonly string[]) {
    this.pops = Object.fromEntries(popNames.map((name) => [name, createNkey()]))
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#webSocketPort}`
  }

  async start(): Promise<void> {
    if (this.#binary === '') await this.#prepare()
    const child = spawn(this.#binary, ['-c', join(this.dir, 'nats.conf')], { stdio: 'ignore' })
    this.#process = child
    await until('nats-server answers', async () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
      const probe = await this.connectAs(this.central).catch(() => null)
      await probe?.close()
      return probe !== null
    })
  }

  /** Ends the server at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await ended
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }

  connectAs(key: Nkey, inboxPrefix?: string): Promise<NatsConnection> {
    return connect({
      servers: this.url,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(key.seed)),
      reconnect: false,
      timeout: 2_000,
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    })
  }

  connectAsPop(name: string): Promise<NatsConnection> {
    const key = this.pops[name]
    if (!key) throw new Error(`no PoP ${name}`)
    return this.connectAs(key, subjects.inbox(name))
  }

  async #prepare(): Promise<void> {
    this.#port = await freePort()
    this.#webSocketPort = await freePort()
    const cache = join(import.meta.dirname, '../../../.atlas/cache')
    const found = await findNatsServer(cache, () => undefined)
    if (!found.found) throw new Error(`no nats-server: ${found.tried.join('; ')}`)
    this.#binary = found.path
    const config = natsServerConfig({
      port: this.#port,
      websocketPort: this.#webSocketPort,
      storeDir: join(this.dir, 'jetstream'),
      central: this.central.publicKey,
      pops: Object.entries(this.pops).map(([name, key]) => ({ name, nkey: key.publicKey })),
    })
    writeFileSync(join(this.dir, 'nats.conf'), config)
    if (!existsSync(this.#binary)) throw new Error(`${this.#binary} is gone`)
  }
}

/** Publishes as a PoP does: into the stream of the message's kind, confirmed. */
export async function publish(connection: NatsConnection, message: Message): Promise<void> {
  const subject =
    message.kind === 'ack' ? subjects.ack(message.pop, message.policy) : subjects[message.kind](message.pop)
  await connection.request(subject, JSON.stringify(message), { timeout: 4_000 })
}
