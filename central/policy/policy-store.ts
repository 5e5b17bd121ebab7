import { createHash } from 'node:crypto'
import { headers as createHeaders, ErrorCode, type NatsConnection, NatsError, type StoredMsg } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Policy } from '../../contract/policy.ts'
import { signPolicy } from '../../contract/signed-policy.ts'
import { POLICY_BUCKET, POLICY_STREAM, subjects } from '../../contract/subjects.ts'
import { isOutdated, publishAfter } from '../nats/compare-and-set.ts'
import { nextBySubject } from '../nats/direct-get.ts'
import { type PolicyRecord, readRecord } from './policy-record.ts'
import type { SigningKey } from './signing-key.ts'

/** What a push expects to find: the version it was made from, or nothing. */
export type Expected = { readonly kind: 'absent' } | { readonly kind: 'version'; readonly version: number }

export interface PolicyStoreOptions {
  readonly connection: () => NatsConnection
  readonly key: SigningKey
  readonly wallMs: () => number
  readonly onAuditLost: (reason: string) => void
}

const BY = 'Atlas-By'
const TIMEOUT_MS = 4_000

/** Signed policies in the JetStream bucket `atlas_policy`: every change is a compare-and-set, versions only go up. */
export class PolicyStore {
  readonly #options: PolicyStoreOptions

  constructor(options: PolicyStoreOptions) {
    this.#options = options
  }

  /**
   * The current version, or null when there is none. When the newest revision is no policy (someone else has deleted the
   * key, or written into the bucket), it is the newest version that can be read, at that revision: a push mends it.
   * @throws AtlasError `sync/unavailable` when the bucket cannot be asked
   */
  async current(name: string): Promise<PolicyRecord | null> {
    const message = await this.#ask((connection) => newest(connection, subjects.policy(name)))
    if (message === null) return null
    const record = readable(message.data, message.seq, message.header?.get(BY))
    if (record !== null) return record
    const [last] = await this.history(name)
    if (last !== undefined) return { ...last, revision: message.seq }
    throw new AtlasError('policy/syntax', `the policy bucket holds no signed policy under "${name}"`)
  }

  /** Names of all policies. */
  names(): Promise<string[]> {
    return this.#ask(async (connection) => {
      const filter = `$KV.${POLICY_BUCKET}.>`
      const manager = await connection.jetstreamManager({ timeout: TIMEOUT_MS, checkAPI: false })
      const info = await manager.streams.info(POLICY_STREAM, { subjects_filter: filter })
      return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(filter.length - 1))
    })
  }

  /** Every version that is kept and can be read, the newest first. */
  history(name: string): Promise<PolicyRecord[]> {
    return this.#ask(async (connection) => {
      const subject = subjects.policy(name)
      const records: PolicyRecord[] = []
      for (let from = 1; ; ) {
        const next = await nextBySubject(connection, POLICY_STREAM, subject, from, TIMEOUT_MS)
        if (next === null) break
        const record = readable(next.data, next.sequence, next.headers.get(BY))
        if (record !== null) records.unshift(record)
        from = next.sequence + 1
      }
      return records
    })
  }

  /**
   * Signs a policy and stores it as the next version, if the current one is the expected one.
   * @throws AtlasError `policy/conflict` when it is not, `sync/unavailable` when NATS did not confirm it
   */
  async push(name: string, policy: Policy, expected: Expected, by: string): Promise<PolicyRecord> {
    const before = await this.current(name)
    requireExpected(name, before, expected)
    const version = (before?.version ?? 0) + 1
    const issuedAtMs = this.#options.wallMs()
    const { key } = this.#options
    const envelope = await signPolicy({ name, version, issuedAtMs, policy }, key.privateKey, key.keyId)
    const revision = await this.#ask((connection) =>
      store(connection, name, envelope, before?.revision ?? 0, by),
    )
    const record = { name, version, issuedAtMs, by, keyId: key.keyId, policy, envelope, revision }
    await this.#audit(before, record)
    return record
  }

  /** Who changed what, into the append-only stream. The push stands even when this fails; that is counted. */
  async #audit(before: PolicyRecord | null, after: PolicyRecord): Promise<void> {
    const entry = {
      v: 1,
      kind: 'policy',
      name: after.name,
      version: after.version,
      by: after.by,
      atMs: after.issuedAtMs,
      beforeSha256: before && sha256(before.envelope),
      afterSha256: sha256(after.envelope),
    }
    try {
      const jetstream = this.#options.connection().jetstream({ timeout: TIMEOUT_MS })
      const msgID = `policy:${after.name}:${after.revision}`
      await jetstream.publish('atlas.audit.central.policy', JSON.stringify(entry), { msgID })
    } catch (thrown) {
      this.#options.onAuditLost(messageOf(thrown))
    }
  }

  async #ask<T>(run: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = this.#options.connection()
    try {
      return await run(connection)
    } catch (thrown) {
      if (thrown instanceof AtlasError) throw thrown
      throw new AtlasError('sync/unavailable', `the policy bucket did not answer: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
  }
}

/** @throws AtlasError `policy/conflict` that says what there is and what to do */
export function requireExpected(name: string, before: PolicyRecord | null, expected: Expected): void {
  const found = before?.version ?? null
  if (found === (expected.kind === 'version' ? expected.version : null)) return
  const is = found === null ? 'does not exist' : `is at version ${found}`
  const wanted = expected.kind === 'version' ? `version ${expected.version}` : 'no version yet'
  throw new AtlasError(
    'policy/conflict',
    `policy "${name}" ${is}, but this push expects ${wanted}; get the current one, redo the change on it, push again`,
  )
}

async function store(
  connection: NatsConnection,
  name: string,
  envelope: string,
  revision: number,
  by: string,
): Promise<number> {
  const headers = createHeaders()
  headers.set(BY, by)
  try {
    const options = { timeoutMs: TIMEOUT_MS, headers }
    return await publishAfter(connection, revision, subjects.policy(name), envelope, options)
  } catch (thrown) {
    if (isOutdated(thrown)) {
      throw new AtlasError('policy/conflict', `policy "${name}" was changed by somebody else at this moment`)
    }
    throw new AtlasError(
      'sync/unavailable',
      `NATS did not confirm the push of policy "${name}" (${messageOf(thrown)}); it may have been stored: get it before pushing again`,
      { cause: thrown },
    )
  }
}

async function newest(connection: NatsConnection, subject: string): Promise<StoredMsg | null> {
  const manager = await connection.jetstreamManager({ timeout: TIMEOUT_MS, checkAPI: false })
  try {
    return await manager.streams.getMessage(POLICY_STREAM, { last_by_subj: subject })
  } catch (thrown) {
    if (thrown instanceof NatsError && thrown.code === ErrorCode.JetStream404NoMessages) return null
    throw thrown
  }
}

/** A revision as a policy, or null when it holds something else. */
function readable(data: Uint8Array, revision: number, by: string | undefined): PolicyRecord | null {
  try {
    return readRecord(new TextDecoder().decode(data), revision, by || null)
  } catch (thrown) {
    if (thrown instanceof AtlasError) return null
    throw thrown
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
