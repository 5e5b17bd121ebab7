import type { NatsConnection, ObjectInfo, ObjectStore } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { ModelManifest } from '../../contract/model/manifest.ts'
import { sha256Hex } from '../../contract/model/model-file.ts'
import { type ModelPackage, openPackage } from '../../contract/model/model-package.ts'
import { MODEL_BUCKET } from '../../contract/subjects.ts'
import type { Measured } from './model-gauge.node.ts'

/** A package as the registry lists it. */
export interface ModelEntry {
  readonly hash: string
  readonly name: string
  readonly sizeBytes: number
  readonly by: string
  readonly putAtMs: number
  /** What it cost under workerd; null for one that was stored before that was measured. */
  readonly measured: Measured | null
}

export interface ModelStoreOptions {
  readonly connection: () => NatsConnection
  readonly wallMs: () => number
}

const TIMEOUT_MS = 8_000
/** Small enough for a PoP to read each by one DIRECT.GET. */
export const CHUNK_BYTES = 128 * 1024
/** Kind of objects in the same bucket that are no models. */
export const ADAPTATION = 'adaptation'

/** Model packages in the JetStream object store, each under its SHA-256: what is there never changes. */
export class ModelStore {
  readonly #options: ModelStoreOptions

  constructor(options: ModelStoreOptions) {
    this.#options = options
  }

  /**
   * Stores a package; one that is there already is left as it is.
   * @throws AtlasError `sync/unavailable` when NATS did not confirm it
   */
  put(
    bytes: Uint8Array<ArrayBuffer>,
    told: Pick<ModelEntry, 'name' | 'by' | 'measured'>,
  ): Promise<ModelEntry> {
    return this.#ask(async (store) => {
      const hash = await sha256Hex(bytes)
      const known = await store.info(hash)
      if (known !== null && !known.deleted) return entryOf(known)
      const about = { ...told, putAtMs: this.#options.wallMs() }
      const options = { max_chunk_size: CHUNK_BYTES }
      await store.putBlob({ name: hash, description: JSON.stringify(about), options }, bytes)
      return { hash, ...about, sizeBytes: bytes.length }
    })
  }

  /** All packages, the newest first. */
  list(): Promise<ModelEntry[]> {
    return this.#ask(async (store) => {
      const objects = (await store.list()).filter((object) => !object.deleted && !isAdaptation(object))
      return objects.map(entryOf).sort((a, b) => b.putAtMs - a.putAtMs)
    })
  }

  /**
   * The one package whose hash begins so.
   * @throws AtlasError `model/not-found` when there is none, or more than one
   */
  async find(prefix: string): Promise<ModelEntry> {
    const given = JSON.stringify(prefix.slice(0, 64))
    const lists = '`atlasctl model ls` and GET /v1/models list them'
    if (!/^[0-9a-f]{6,64}$/.test(prefix))
      throw new AtlasError(
        'model/not-found',
        `a model is named by 6 to 64 hexadecimal digits of its hash (${lists}), not by ${given}`,
      )
    const found = (await this.list()).filter(({ hash }) => hash.startsWith(prefix))
    if (found.length === 1 && found[0]) return found[0]
    throw new AtlasError(
      'model/not-found',
      found.length === 0
        ? `no model has a hash that begins with ${given}; ${lists}`
        : `${found.length} models have a hash that begins with ${given}; give more digits (${lists})`,
    )
  }

  /** The manifest of a package, whose content is checked against its hash on the way. */
  async manifest(hash: string): Promise<ModelManifest> {
    return (await this.open(hash)).manifest
  }

  /** A package, checked against its hash. */
  async open(hash: string): Promise<ModelPackage> {
    const bytes = await this.#ask((store) => store.getBlob(hash))
    if (bytes === null) throw new AtlasError('model/not-found', `the registry has no model ${hash}`)
    return openPackage(new Uint8Array(bytes), hash)
  }

  async #ask<T>(run: (store: ObjectStore) => Promise<T>): Promise<T> {
    const connection = this.#options.connection()
    try {
      return await run(await connection.jetstream({ timeout: TIMEOUT_MS }).views.os(MODEL_BUCKET))
    } catch (thrown) {
      if (thrown instanceof AtlasError) throw thrown
      throw new AtlasError('sync/unavailable', `the model store did not answer: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
  }
}

function entryOf({ name: hash, size, description }: ObjectInfo): ModelEntry {
  const about: { name?: unknown; by?: unknown; putAtMs?: unknown; measured?: Measured } = parse(description)
  return {
    hash,
    sizeBytes: size,
    name: typeof about.name === 'string' ? about.name : 'unknown',
    by: typeof about.by === 'string' ? about.by : 'unknown',
    putAtMs: typeof about.putAtMs === 'number' ? about.putAtMs : 0,
    measured: about.measured ?? null,
  }
}

function isAdaptation({ description }: ObjectInfo): boolean {
  return (parse(description) as { kind?: unknown }).kind === ADAPTATION
}

function parse(text: string | undefined): object {
  try {
    return JSON.parse(text ?? '{}') as object
  } catch {
    return {}
  }
}
