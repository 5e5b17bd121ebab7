import { headers as createHeaders, type NatsConnection, NatsError } from 'nats.ws'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { BUNDLED, FORECASTER, openRelease, type Release, signRelease } from '../../contract/model/release.ts'
import { RELEASE_STREAM, subjects } from '../../contract/subjects.ts'
import { nextBySubject } from '../nats/direct-get.ts'
import type { SigningKey } from '../policy/signing-key.ts'

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

const EXPECTED_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence'
const WRONG_SEQUENCE = 10071
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

  async #read(): Promise<{ releases: Release[]; revision: number; highest: number }> {
    const connection = this.#options.connection()
    const releases: Release[] = []
    let revision = 0
    let highest = 0
    try {
      for (;;) {
        const next = await nextBySubject(connection, RELEASE_STREAM, SUBJECT, revision + 1, TIMEOUT_MS)
        if (next === null) return { releases, revision, highest }
        revision = next.sequence
        const text = new TextDecoder().decode(next.data)
        highest = Math.max(highest, claimedVersion(text))
        const release = await this.#open(text)
        if (release !== null) releases.unshift(release)
      }
    } catch (thrown) {
      throw new AtlasError('sync/unavailable', `the release bucket did not answer: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
  }

  async #open(text: string): Promise<Release | null> {
    const { keyId, publicKey } = this.#options.key
    try {
      return await openRelease(text, { [keyId]: publicKey })
    } catch {
      return null
    }
  }

  /**
   * Signs a change and stores it as the next version, if `before` is still the current one.
   * @throws AtlasError `model/conflict` when it is not, `sync/unavailable` when NATS did not confirm it
   */
  async push(before: ReleaseRecord, change: ReleaseChange): Promise<ReleaseRecord> {
    const { key, wallMs } = this.#options
    const release: Release = {
      kind: 'model-release',
      series: FORECASTER,
      version: before.highest + 1,
      issuedAtMs: wallMs(),
      ...change,
    }
    const envelope = await signRelease(release, key.privateKey, key.keyId)
    const headers = createHeaders()
    headers.set(EXPECTED_SEQUENCE, String(before.revision))
    try {
      const jetstream = this.#options.connection().jetstream({ timeout: TIMEOUT_MS })
      const { seq } = await jetstream.publish(SUBJECT, envelope, { headers })
      await this.audit({ ...release, before: before.release.version }, `model:${seq}`)
      return { release, revision: seq, highest: release.version }
    } catch (thrown) {
      if (thrown instanceof AtlasError) throw thrown
      if (thrown instanceof NatsError && thrown.api_error?.err_code === WRONG_SEQUENCE)
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

/** The version that an envelope of any key says it is of; 0 when it says none. */
function claimedVersion(text: string): number {
  try {
    const { version }: { version?: unknown } = JSON.parse(JSON.parse(text).payload)
    return Number.isSafeInteger(version) && Number(version) > 0 ? Number(version) : 0
  } catch {
    return 0
  }
}
