import { AtlasError } from '../../contract/errors.ts'
import { type ModelManifest, parseManifest } from '../../contract/model/manifest.ts'
import { packModel, readPackage } from '../../contract/model/model-package.ts'
import { BUNDLED, type Release, rivalOf } from '../../contract/model/release.ts'
import type { View } from '../ingest/view.ts'
import { notProven } from './gate.ts'
import { type Inspection, inspectModel } from './inspect-model.node.ts'
import { type Drift, driftOf, type Pairing, pairingOf } from './measured.ts'
import type { ModelGauge } from './model-gauge.node.ts'
import type { ModelEntry, ModelStore } from './model-store.ts'
import type { ReleaseChange, ReleaseRecord, ReleaseStore } from './release-store.ts'

export interface RegistryOptions {
  readonly models: ModelStore
  readonly releases: ReleaseStore
  readonly gauge: ModelGauge
  readonly view: View
  /** Days of the series' time that the policies ask for. */
  readonly periods: () => Promise<Periods>
}

/** Who changes a release, and why. */
export interface Caller {
  readonly by: string
  readonly reason: string
  /** Goes past the health gate; needs a reason. */
  readonly force?: boolean
}

export interface Overview {
  readonly release: Release
  readonly history: readonly Release[]
  readonly models: readonly (ModelEntry & { readonly role: Role | null })[]
  readonly pairing: Pairing | null
  readonly drift: readonly Drift[]
  /** Days of the series' time that the policies ask for. */
  readonly periods: Periods
}

export interface Periods {
  readonly shadowDays: number
  readonly probationDays: number
}

export type Role = 'champion' | 'challenger' | 'former' | 'previous'

/** The life of a model: put, shadow, promote, rollback. It keeps nothing itself. */
export class Registry {
  readonly #options: RegistryOptions

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /**
   * Measures a model under workerd, checks its answers, then stores it. What it is refused for is thrown.
   * @throws AtlasError `model/unreadable`, `model/shape`, `model/slow`, `setup/missing-tool`, `sync/unavailable`
   */
  async put(
    manifest: unknown,
    model: Uint8Array<ArrayBuffer>,
    fp32: Uint8Array<ArrayBuffer> | null,
    by: string,
  ): Promise<ModelEntry & Inspection> {
    parseManifest(manifest)
    const bytes = packModel(manifest, model)
    const opened = await readPackage(bytes)
    const measured = await this.#options.gauge.measure(bytes)
    const inspection = await inspectModel(opened, fp32)
    const { name } = opened.manifest.forecaster
    const entry = await this.#options.models.put(bytes, { name, by, measured })
    await this.#options.releases.audit({ kind: 'model-put', by, hash: entry.hash }, `model-put:${entry.hash}`)
    return { ...entry, ...inspection }
  }

  async overview(): Promise<Overview> {
    const { models: store, releases, view } = this.#options
    const [models, history, { release }, periods] = await Promise.all([
      store.list(),
      releases.history(),
      releases.current(),
      this.#options.periods(),
    ])
    return {
      release,
      history,
      models: models.map((entry) => ({ ...entry, role: roleOf(release, entry.hash) })),
      pairing: this.#pairing(release),
      drift: driftOf(view.pops()),
      periods,
    }
  }

  /** One model: its manifest, and what PoPs measured of it if it runs. */
  async show(
    prefix: string,
  ): Promise<{ entry: ModelEntry; role: Role | null; manifest: ModelManifest; pairing: Pairing | null }> {
    const { release } = await this.#options.releases.current()
    const entry = await this.#options.models.find(named(release, prefix))
    const role = roleOf(release, entry.hash)
    const manifest = await this.#options.models.manifest(entry.hash)
    return { entry, role, manifest, pairing: role === null ? null : this.#pairing(release) }
  }

  /**
   * Has PoPs run a model beside the champion; `none` ends that.
   * @throws AtlasError `model/not-found`, `model/conflict`
   */
  async shadow(prefix: string, caller: Caller): Promise<Release> {
    const before = await this.#options.releases.current()
    const { release } = before
    if (release.former !== null && !caller.force)
      throw new AtlasError(
        'model/conflict',
        'the champion is on probation beside the one before it; wait for its end (`atlasctl model ls` tells how far it is), or force this with a reason',
      )
    if (prefix === 'none') {
      if (release.challenger === null)
        throw new AtlasError('model/conflict', 'there is no challenger in shadow')
      return this.#push(before, { ...lineupOf(release), challenger: null, action: 'unshadow' }, caller)
    }
    const { hash } = await this.#options.models.find(prefix)
    if (hash === release.champion)
      throw new AtlasError('model/conflict', 'this model is the champion already')
    if (hash === release.challenger) return release
    return this.#push(
      before,
      { ...lineupOf(release), challenger: hash, former: null, action: 'shadow' },
      caller,
    )
  }

  /**
   * Makes the challenger champion; the one before it runs beside it until its probation is over.
   * @throws AtlasError `model/not-proven` with the reason, `model/not-found`, `model/conflict`
   */
  async promote(prefix: string, caller: Caller): Promise<Release> {
    const before = await this.#options.releases.current()
    const { release } = before
    const { hash } = await this.#options.models.find(named(release, prefix))
    if (hash === release.champion)
      throw new AtlasError('model/conflict', 'this model is the champion already')
    if (!caller.force) {
      const { shadowDays } = await this.#options.periods()
      const pairing = hash === release.challenger ? this.#pairing(release) : null
      const why =
        hash === release.challenger
          ? notProven(pairing, shadowDays)
          : 'it is not in shadow; begin with `shadow`'
      if (why !== null)
        throw new AtlasError(
          'model/not-proven',
          `not promoted: ${why}; to do it all the same, force it and give a reason`,
        )
    }
    return this.#push(
      before,
      {
        champion: hash,
        challenger: null,
        former: release.champion,
        previous: release.champion,
        action: 'promote',
      },
      caller,
    )
  }

  /**
   * Brings the champion before the present one back, as a new version.
   * @throws AtlasError `model/conflict` when there was none
   */
  async rollback(caller: Caller, expected?: ReleaseRecord): Promise<Release> {
    const before = expected ?? (await this.#options.releases.current())
    const { champion, previous } = before.release
    if (previous === null)
      throw new AtlasError(
        'model/conflict',
        'there was no champion before this one, so there is none to go back to',
      )
    return this.#push(
      before,
      { champion: previous, challenger: null, former: null, previous: champion, action: 'rollback' },
      caller,
    )
  }

  /** The champion's probation is over. */
  confirm(before: ReleaseRecord, caller: Caller): Promise<Release> {
    return this.#push(before, { ...lineupOf(before.release), former: null, action: 'confirm' }, caller)
  }

  #pairing(release: Release): Pairing | null {
    const rival = rivalOf(release)
    return rival === null ? null : pairingOf(this.#options.view.pops(), release.version, rival.ref)
  }

  async #push(
    before: ReleaseRecord,
    change: Omit<ReleaseChange, 'by' | 'reason'>,
    { by, reason, force }: Caller,
  ): Promise<Release> {
    if (force && reason.trim() === '')
      throw new AtlasError('message/invalid', 'what is forced needs a reason')
    const said = force ? `forced: ${reason}` : reason
    return (await this.#options.releases.push(before, { ...change, by, reason: said.slice(0, 500) })).release
  }
}

function lineupOf({
  champion,
  challenger,
  former,
  previous,
}: Release): Pick<Release, 'champion' | 'challenger' | 'former' | 'previous'> {
  return { champion, challenger, former, previous }
}

function roleOf(release: Release, hash: string): Role | null {
  const roles = ['champion', 'challenger', 'former', 'previous'] as const
  return roles.find((role) => release[role] === hash) ?? null
}

/** A role's name stands for the model that has it. */
function named(release: Release, prefix: string): string {
  if (prefix !== 'champion' && prefix !== 'challenger' && prefix !== 'former') return prefix
  const ref = release[prefix]
  if (ref !== null && ref !== BUNDLED) return ref
  if (ref !== null)
    throw new AtlasError(
      'model/not-found',
      `the ${prefix} is the model of the Worker's bundle, which is not in the registry; models/manifest.json tells of it`,
    )
  const hint =
    prefix === 'former'
      ? 'there is one while a promotion is on probation'
      : 'begin with `atlasctl model shadow HASH`'
  throw new AtlasError('model/not-found', `there is no ${prefix} now; ${hint}`)
}
