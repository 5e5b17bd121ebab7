import type { NatsConnection } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { BUNDLED, FORECASTER, openRelease, type Release, signRelease } from '../../contract/model/release.ts'
import { subjects } from '../../contract/subjects.ts'
import { isOutdated, publishAfter } from '../nats/compare-and-set.ts'
import type { SigningKey } from '../policy/signing-key.ts'
import { type SignedHistory, signedHistory } from './signed-history.ts'

/** A release and its place in the bucket, for compare-and-set. */
export interface ReleaseRecord {
  readonly release: Release
  /** 0: nothing was stored yet. */
  readonly revision: number
  /** Highest version in the bucket, also of releases that another key signed: the next one is above it. */
  readonly highest: number
}

export interface ReleaseStoreOptions {
  readonly connection: () => NatsConnection
  readonly key: SigningKey
  readonly wallMs: () => number
  readonly onAuditLost: (reason: string) => void
}

/** What a change of the release says; the store adds version, time and signature. */
export type ReleaseChange = Pick<
  Release,
  'champion' | 'challenger' | 'former' | 'previous' | 'action' | 'by' | 'reason'
>

const TIMEOUT_MS = 4_000
const SUBJECT = subjects.release(FORECASTER)

/** Before the first release. */
const UNRELEASED: Release = {
  kind: 'model-release',
  series: FORECASTER,
  version: 0,
  issuedAtMs: 0,
  champion: BUNDLED,
  challenger: null,
  former: null,
  previous: null,
  action: 'confirm',
  by: '',
  reason: 'the model of the bundle',
}

/** Signed releases in the bucket `atlas_models_index`: each change is a compare-and-set, versions only go up. */
export class ReleaseStore {
  readonly #options: ReleaseStoreOptions

  constructor(options: ReleaseStoreOptions) {
    this.#options = options
  }

  /** The newest release that this key signed, with the bucket's last revision. */
  async current(): Promise<ReleaseRecord> {
    const { releases, ...place } = await this.#read()
    return { release: releases[0] ?? UNRELEASED, ...place }
  }

  /** Every release that is kept, the newest first. What this key did not sign is passed over, as PoPs do. */
  async history(): Promise<Release[]> {
    return (await this.#read()).releases
  }

  async #read(): Promise<SignedHistory<Release>> {
    const { key } = this.#options
    const connection = this.#options.connection()
    const open = (text: string) => openRelease(text, { [key.keyId]: key.publicKey })
    try {
      return await signedHistory(connection, SUBJECT, open, TIMEOUT_MS)
    } catch (thrown) {
      throw new AtlasError('sync/unavailable', `the release bucket did not answer: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
  }

  /**
   * Signs a change and stores it as the next version, if `before` is still the current one.
   * @throws AtlasError `model/conflict` when it is not, `sync/unavailable` when NATS did not confirm it
   */
  async push(before: ReleaseRecord, change: ReleaseChange): Promise<ReleaseRecord> {
    const { connection, key, wallMs } = this.#options
    const release: Release = {
      kind: 'model-release',
      series: FORECASTER,
      version: before.highest + 1,
      issuedAtMs: wallMs(),
      ...change,
    }
    const envelope = await signRelease(release, key.privateKey, key.keyId)
    try {
      const limit = { timeoutMs: TIMEOUT_MS }
      const revision = await publishAfter(connection(), before.revision, SUBJECT, envelope, limit)
      await this.audit({ ...release, before: before.release.version }, `model:${revision}`)
      return { release, revision, highest: release.version }
    } catch (thrown) {
      if (thrown instanceof AtlasError) throw thrown
      if (isOutdated(thrown))
        throw new AtlasError('model/conflict', 'the release was changed by somebody else at this moment')
      throw new AtlasError(
        'sync/unavailable',
        `NATS did not confirm the release (${messageOf(thrown)}); it may have been stored: look before doing it again`,
        { cause: thrown },
      )
    }
  }

  /** Writes an entry into the append-only stream, once per id. What it is about stands even when this fails. */
  async audit(entry: object, id: string): Promise<void> {
    try {
      const jetstream = this.#options.connection().jetstream({ timeout: TIMEOUT_MS })
      const text = JSON.stringify({ v: 1, atMs: this.#options.wallMs(), ...entry })
      await jetstream.publish('atlas.audit.central.model', text, { msgID: id })
    } catch (thrown) {
      this.#options.onAuditLost(messageOf(thrown))
    }
  }
}
