import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Message } from '../../contract/messages.ts'
import { FailureLimit } from '../auth/failure-limit.ts'
import { createGuard } from '../auth/guard.ts'
import { parseTokenFile } from '../auth/token-file.ts'
import { Ingest } from '../ingest/ingest.ts'
import { View } from '../ingest/view.ts'
import { NatsLink } from '../nats/link.ts'
import { ensureStreams } from '../nats/streams.ts'
import { PolicyStore } from '../policy/policy-store.ts'
import { AdaptationStore } from '../registry/adaptation-store.ts'
import { Adaptations } from '../registry/adaptations.ts'
import { ModelGauge } from '../registry/model-gauge.node.ts'
import { ModelStore } from '../registry/model-store.ts'
import { ModelWatch } from '../registry/model-watch.ts'
import { periodsOf } from '../registry/periods.ts'
import { Registry } from '../registry/registry.ts'
import { ReleaseStore } from '../registry/release-store.ts'
import { MinuteStore } from '../training/minute-store.ts'
import { Training } from '../training/training.ts'
import { TrainingJournal } from '../training/training-journal.ts'
import { startTraining } from '../training/training-process.ts'
import { TrainingSchedule } from '../training/training-schedule.ts'
import { trainingTeller } from '../training/training-teller.ts'
import { createApp } from './app.ts'
import { BROADCAST_LIMITS, Broadcast } from './broadcast.ts'
import type { CentralConfig } from './config.ts'
import type { Log } from './log.ts'
import type { Counters, Services } from './services.ts'

/** A running central. */
export interface Central {
  readonly url: string
  /** Reads the tokens file again; keeps the old tokens when the new file has a fault. */
  reloadTokens(): void
  /** Ends live streams, lets requests finish, flushes to NATS and closes. */
  stop(): Promise<void>
}

const DRAIN_MS = 5_000
/** Between looks at what PoPs measure of their models. */
const WATCH_MS = 5_000

/**
 * Starts central: HTTP at once, NATS as soon as it is there.
 * @throws AtlasError `setup/port-taken` when it cannot listen
 */
export async function startCentral(config: CentralConfig, log: Log, wallMs: () => number): Promise<Central> {
  const counters: Counters = { pushes: 0, pushesRefused: 0, authFailures: 0, auditLost: 0 }
  const broadcast = new Broadcast(BROADCAST_LIMITS, wallMs)
  const view = new View()
  const ingest = new Ingest({
    view,
    wallMs,
    onMessage: (message, receivedAtMs) => broadcast.send(liveEvent(message, receivedAtMs, view)),
    onRefused: (subject, reason) => log('message refused', { subject, reason }),
  })
  const link = new NatsLink({
    ...config.nats,
    wallMs,
    prepare: async (connection, ended) => {
      await ensureStreams(connection, config.limits)
      await ingest.start(connection, ended)
    },
    onChange: (status) => {
      log(`nats ${status.state}`, status.error === null ? {} : { error: status.error })
      broadcast.send({ event: 'nats', data: status, replaces: 'nats' })
    },
  })
  const signed = {
    connection: () => link.connection(),
    key: config.signingKey,
    wallMs,
    onAuditLost: (reason: string) => {
      counters.auditLost += 1
      log('audit entry lost', { reason })
    },
  }
  const store = new PolicyStore(signed)
  const releases = new ReleaseStore(signed)
  const periods = () => periodsOf(store)
  const gauge = new ModelGauge({ config: config.gauge })
  const registry = new Registry({ models: new ModelStore(signed), releases, gauge, view, periods })
  const models = new ModelStore(signed)
  const adaptations = new Adaptations({ store: new AdaptationStore(signed), models, releases, view })
  const minutes = new MinuteStore(signed.connection)
  const journal = new TrainingJournal(signed)
  const training = new Training({
    minutes,
    adaptations,
    registry,
    start: startTraining,
    write: (state) => journal.write(state),
    onChange: trainingTeller(log, (data) =>
      broadcast.send({ event: 'training', data, replaces: 'training' }),
    ),
    wallMs,
  })
  const { trainEveryDays: everyDays } = config
  const schedule = new TrainingSchedule({ training, journal, minutes, everyDays, wallMs, log })
  const onDrift = (pop: string, ratio: number) => schedule.drifted(pop, ratio)
  const watch = new ModelWatch({ registry, releases, view, periods, onDrift, log })
  const services: Services = {
    store,
    registry,
    adaptations,
    training,
    minutes,
    view,
    ingest,
    broadcast,
    link: () => link.status,
    wallMs,
    staleMs: config.staleMs,
    counters,
  }
  let tokens = config.tokens
  const guard = createGuard({
    tokens: () => tokens,
    openRead: config.openRead,
    limit: new FailureLimit({ failures: 10, windowMs: 60_000 }),
    wallMs,
    addressOf: (context) => getConnInfo(context).remote.address ?? 'unknown',
    onFailure: () => {
      counters.authFailures += 1
    },
  })
  const app = createApp({
    services,
    guard,
    onBug: (thrown, path) =>
      log('bug', { path, error: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown) }),
  })
  const { server, port } = await listen(app.fetch, config)
  link.start()
  const looking = lookNowAndThen([watch, schedule])
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  return {
    url: `http://${host}:${port}`,
    reloadTokens: () => {
      try {
        tokens = parseTokenFile(readFileSync(config.tokensFile, 'utf8'))
        log('tokens read again', { tokens: tokens.tokens.length })
      } catch (thrown) {
        log('tokens kept', { error: messageOf(thrown) })
      }
    },
    stop: async () => {
      clearInterval(looking)
      await training.stop()
      broadcast.closeAll()
      await drain(server)
      await link.close()
    },
  }
}

/** Looks now and then, never twice at once. */
function lookNowAndThen(watches: readonly { look(): Promise<void> }[]): NodeJS.Timeout {
  let busy = false
  return setInterval(async () => {
    if (busy) return
    busy = true
    for (const watch of watches) await watch.look()
    busy = false
  }, WATCH_MS)
}

/** A PoP's newer second takes the place of one a slow listener has not read. An alert goes out as all its events tell it. */
function liveEvent(message: Message, receivedAtMs: number, view: View) {
  const replaces = message.kind === 'second' ? { replaces: `second ${message.pop}` } : {}
  const folded = message.kind === 'alert' ? { alert: view.alert(message.id, message.pop) } : {}
  return { event: message.kind, data: { receivedAtMs, message, ...folded }, ...replaces }
}

function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  config: CentralConfig,
): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: config.host, port: config.port }, (info) =>
      resolve({ server: server as Server, port: info.port }),
    )
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      const why = taken
        ? 'is taken by another process; set ATLAS_CENTRAL_PORT to a free one'
        : `cannot be opened: ${cause.message}`
      reject(
        new AtlasError(
          taken ? 'setup/port-taken' : 'setup/failed',
          `port ${config.port} of ${config.host} ${why}`,
          { cause },
        ),
      )
    })
  })
}

/** Lets requests finish; a connection that carries none is closed as soon as it is idle. */
function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), 20)
    const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(late)
      resolve()
    })
  })
}
