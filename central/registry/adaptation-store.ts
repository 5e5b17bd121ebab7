import type { NatsConnection, ObjectStore } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import {
  type Adaptation,
  type AdaptationRelease,
  openAdaptationRelease,
  packAdaptation,
  signAdaptationRelease,
} from '../../contract/model/adaptation.ts'
import { sha256Hex } from '../../contract/model/model-file.ts'
import { MODEL_BUCKET, RELEASE_STREAM, subjects } from '../../contract/subjects.ts'
import { isOutdated, publishAfter } from '../nats/compare-and-set.ts'
import type { SigningKey } from '../policy/signing-key.ts'
import { ADAPTATION, CHUNK_BYTES } from './model-store.ts'
import { signedHistory } from './signed-history.ts'

export interface AdaptationStoreOptions {
  readonly connection: () => NatsConnection
  readonly key: SigningKey
  readonly wallMs: () => number
}

/** A release of adaptations and its place in the bucket, for compare-and-set. */
export interface AdaptationRecord {
  /** Version 0, without entries: nothing was released for this PoP yet. */
  readonly release: AdaptationRelease
  readonly revision: number
  /** Highest version in the bucket, also of releases that another key signed. */
  readonly highest: number
  /** Hashes that only older releases than the last two name. */
  readonly outdated: readonly string[]
}

const TIMEOUT_MS = 8_000

/** Adaptations in the object store, beside the models, and the signed releases that say which of them each PoP runs. */
export class AdaptationStore {
  readonly #options: AdaptationStoreOptions

  constructor(options: AdaptationStoreOptions) {
    this.#options = options
  }

  /** Stores a document under the SHA-256 of its bytes, which is returned. @throws AtlasError `sync/unavailable` */
  put(adaptation: Adaptation, by: string): Promise<string> {
    return this.#ask(async (connection) => {
      const store = await objects(connection)
      const bytes = packAdaptation(adaptation)
      const hash = await sha256Hex(bytes)
      const known = await store.info(hash)
      if (known !== null && !known.deleted) return hash
      const { pop, series, beside, heldBack } = adaptation
      const about = { kind: ADAPTATION, pop, series, beside, heldBack, by, putAtMs: this.#options.wallMs() }
      const options = { max_chunk_size: CHUNK_BYTES }
      await store.putBlob({ name: hash, description: JSON.stringify(about), options }, bytes)
      return hash
    })
  }

  /** What is said of a document: how it did on samples it had not seen. Null when it is not there. */
  about(hash: string): Promise<Pick<Adaptation, 'heldBack'> | null> {
    return this.#ask(async (connection) => {
      const info = await (await objects(connection)).info(hash)
      if (info === null || info.deleted) return null
      return JSON.parse(info.description ?? '{}') as Pick<Adaptation, 'heldBack'>
    })
  }

  /** PoPs for which adaptations were ever released. */
  pops(): Promise<string[]> {
    return this.#ask(async (connection) => {
      const manager = await connection.jetstreamManager({ timeout: TIMEOUT_MS })
      const filter = subjects.adaptation('pop').replace(/pop$/, '*')
      const { state } = await manager.streams.info(RELEASE_STREAM, { subjects_filter: filter })
      return Object.keys(state.subjects ?? {})
        .map((subject) => subject.split('.').at(-1) ?? '')
        .sort()
    })
  }

  /** The newest release for a PoP that this key signed. */
  current(pop: string): Promise<AdaptationRecord> {
    return this.#ask(async (connection) => {
      const { keyId, publicKey } = this.#options.key
      const open = (text: string) => openAdaptationRelease(text, { [keyId]: publicKey })
      const subject = subjects.adaptation(pop)
      const { releases, ...place } = await signedHistory(connection, subject, open, TIMEOUT_MS)
      const [release = unreleased(pop), previous, ...older] = releases
      const hashesOf = (one: AdaptationRelease | undefined) => (one?.entries ?? []).map(({ hash }) => hash)
      const inUse = [...hashesOf(release), ...hashesOf(previous)]
      const outdated = new Set(older.flatMap(hashesOf).filter((hash) => !inUse.includes(hash)))
      return { release, ...place, outdated: [...outdated] }
    })
  }

  /**
   * Signs what a PoP is to run and stores it as the next version, if `before` is still the current one; documents that no
   * late release names are then removed.
   * @throws AtlasError `model/conflict` when it is not, `sync/unavailable`
   */
  async push(
    before: AdaptationRecord,
    change: Pick<AdaptationRelease, 'entries' | 'by' | 'reason'>,
  ): Promise<AdaptationRelease> {
    const { key, wallMs } = this.#options
    const { pop } = before.release
    const head = {
      kind: 'adaptation-release' as const,
      pop,
      version: before.highest + 1,
      issuedAtMs: wallMs(),
    }
    const release: AdaptationRelease = { ...head, ...change }
    const envelope = await signAdaptationRelease(release, key.privateKey, key.keyId)
    await this.#ask(async (connection) => {
      const limit = { timeoutMs: TIMEOUT_MS }
      await publishAfter(connection, before.revision, subjects.adaptation(pop), envelope, limit)
      const store = await objects(connection)
      for (const hash of before.outdated) await store.delete(hash).catch(() => undefined)
    })
    return release
  }

  async #ask<T>(run: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = this.#options.connection()
    try {
      return await run(connection)
    } catch (thrown) {
      if (thrown instanceof AtlasError) throw thrown
      if (isOutdated(thrown))
        throw new AtlasError('model/conflict', 'the adaptations were changed by somebody else at this moment')
      throw new AtlasError('sync/unavailable', `the registry did not answer: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
  }
}

function objects(connection: NatsConnection): Promise<ObjectStore> {
  return connection.jetstream({ timeout: TIMEOUT_MS }).views.os(MODEL_BUCKET)
}

function unreleased(pop: string): AdaptationRelease {
  return { kind: 'adaptation-release', pop, version: 0, issuedAtMs: 0, entries: [], by: '', reason: '' }
}
