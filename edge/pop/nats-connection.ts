import { connect, headers, type Msg, type MsgHdrs, type NatsConnection, nkeyAuthenticator } from 'nats.ws'
import { FORECASTER } from '../../contract/model/release.ts'
import { MODEL_STREAM, POLICY_STREAM, RELEASE_STREAM, subjects } from '../../contract/subjects.ts'
import { fetchPackage, type ObjectReader } from './model-fetch.ts'
import type { PolicyFeed, StoredMessage } from './policy-sync.ts'

const CONNECT_MS = 5000
const REPLY_MS = 3000
/** A link that is half open is given up after two pings without an answer. */
const PING_MS = 3000
const MAX_PINGS_OUT = 2

/** Releases of models, and the packages they name. */
export interface ModelFeed {
  readonly releases: PolicyFeed
  /** Which adaptations of its own series the PoP is to run. */
  readonly adaptations: PolicyFeed
  /** @throws AtlasError when there is no whole package of this hash */
  fetch(hash: string): Promise<Uint8Array<ArrayBuffer>>
  onHint(hint: () => void): void
}

/** One session with the server. It does not reconnect: whoever holds it opens another. */
export interface Connection {
  readonly policies: PolicyFeed
  readonly models: ModelFeed
  /** Stores one message in its stream; resolves when the server has acknowledged it. */
  publish(subject: string, body: string, id: string): Promise<void>
  /** Calls back when the subject of the policy is published to. */
  onHint(hint: () => void): void
  /** What the server forbids, as it says so. */
  onDenied(denied: (reason: string) => void): void
  /** Settles when the session is over, with the reason. */
  readonly closed: Promise<string>
  close(): Promise<void>
}

export interface ConnectionOptions {
  readonly url: string
  readonly seed: string
  readonly pop: string
  readonly policyName: string
}

export type OpenConnection = (options: ConnectionOptions) => Promise<Connection>

/** Connects to NATS over WebSocket as the PoP's nkey. Rejects when the server cannot be reached or refuses the key. */
export const openNats: OpenConnection = async (options) => {
  const nats = await connect({
    servers: options.url,
    name: options.pop,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(options.seed)),
    inboxPrefix: subjects.inbox(options.pop),
    reconnect: false,
    timeout: CONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: MAX_PINGS_OUT,
    ignoreClusterUpdates: true,
  })
  const jetstream = nats.jetstream({ timeout: REPLY_MS })
  return {
    policies: recordFeed(nats, POLICY_STREAM, subjects.policy(options.policyName)),
    models: {
      releases: recordFeed(nats, RELEASE_STREAM, subjects.release(FORECASTER)),
      adaptations: recordFeed(nats, RELEASE_STREAM, subjects.adaptation(options.pop)),
      fetch: (hash) => fetchPackage(objectReader(nats), hash),
      onHint: (hint) => {
        for (const subject of [subjects.release(FORECASTER), subjects.adaptation(options.pop)])
          nats.subscribe(subject, { callback: (error) => error ?? hint() })
      },
    },
    publish: async (subject, body, msgID) => {
      await jetstream.publish(subject, body, { msgID, timeout: REPLY_MS })
    },
    onHint: (hint) => {
      nats.subscribe(subjects.policy(options.policyName), { callback: (error) => error ?? hint() })
    },
    onDenied: (denied) => void watch(nats, denied),
    closed: nats.closed().then((error) => (error ? error.message : 'the connection was closed')),
    close: () => nats.close(),
  }
}

/** DIRECT.GET (ADR-31): by sequence and subject, without a consumer; the answer is the message itself. */
async function directGet(nats: NatsConnection, stream: string, request: object): Promise<Stored | null> {
  const answer = await nats.request(subjects.directGet(stream), JSON.stringify(request), {
    timeout: REPLY_MS,
    headers: headers(),
  })
  return stored(answer, stream)
}

/** What was signed and stored under one subject of a bucket, version by version. */
function recordFeed(nats: NatsConnection, stream: string, subject: string): PolicyFeed {
  const get = async (request: object): Promise<StoredMessage | null> => {
    const found = await directGet(nats, stream, request)
    if (found === null) return null
    const { seq, head, answer } = found
    return {
      seq,
      timeStamp: head.get('Nats-Time-Stamp'),
      operation: head.get('KV-Operation') || null,
      text: answer.string(),
    }
  }
  return {
    next: (fromSeq) => get({ seq: fromSeq, next_by_subj: subject }),
    last: () => get({ last_by_subj: subject }),
  }
}

function objectReader(nats: NatsConnection): ObjectReader {
  const get = async (request: object) => {
    const found = await directGet(nats, MODEL_STREAM, request)
    return found === null ? null : { seq: found.seq, data: found.answer.data }
  }
  return {
    last: (subject) => get({ last_by_subj: subject }),
    next: (subject, seq) => get({ seq, next_by_subj: subject }),
  }
}

interface Stored {
  readonly seq: number
  readonly head: MsgHdrs
  readonly answer: Msg
}

function stored(answer: Msg, stream: string): Stored | null {
  const head = answer.headers
  if (head?.code === 404) return null
  const seq = Number(head?.get('Nats-Sequence'))
  if (head === undefined || head.code >= 400 || !(seq > 0)) {
    throw new Error(`${stream} cannot be read: ${head?.description || 'no stream answered'}`)
  }
  return { seq, head, answer }
}

async function watch(nats: NatsConnection, denied: (reason: string) => void): Promise<void> {
  for await (const status of nats.status()) {
    if (status.type === 'error' && status.permissionContext) {
      denied(
        `the server forbids to ${status.permissionContext.operation} ${status.permissionContext.subject}`,
      )
    }
  }
}
