import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Draft } from '../../contract/messages.ts'
import { FORECASTER, openRelease, type Release, rivalOf } from '../../contract/model/release.ts'
import type { TrustedKeys } from '../../contract/signed-envelope.ts'
import type { ForecastStub } from '../control/stubs.ts'
import type { Cursor, PolicySyncPorts } from './policy-sync.ts'
import type { PopMemory } from './pop-memory.ts'

export interface ReleaseDeskPorts {
  readonly keys: TrustedKeys
  readonly memory: PopMemory
  readonly forecaster: Pick<ForecastStub, 'offer' | 'keeps'>
  /** The package of a hash as the registry has it. Rejects with an AtlasError when that is no whole package. */
  fetch(hash: string): Promise<Uint8Array<ArrayBuffer>>
  /** Runs all of its writes or none. */
  atomically(write: () => void): void
  say(draft: Draft): void
  nowMs(): number
  wallMs(): number
  wait(ms: number): Promise<void>
}

/**
 * Takes each release that is heard: its signature, then every model of it, which the forecast object opens and checks
 * while the old ones go on answering. Only when all are there does the release come into force; one that is refused
 * leaves the champion as it is. Either is told, with the reason. A download that fails for want of a link is tried again.
 */
export class ReleaseDesk implements PolicySyncPorts {
  readonly #ports: ReleaseDeskPorts
  readonly wait: (ms: number) => Promise<void>

  constructor(ports: ReleaseDeskPorts) {
    this.#ports = ports
    this.wait = ports.wait
  }

  load(): Cursor {
    return this.#ports.memory.releaseCursor
  }

  reset(): void {
    this.#ports.memory.releaseCursor = { seq: 0, timeStamp: '' }
  }

  async take(text: string | null, cursor: Cursor): Promise<void> {
    const { memory, atomically } = this.#ports
    const verdict = text === null ? null : await this.#judge(text)
    atomically(() => {
      memory.releaseCursor = cursor
      if (verdict === null) return
      const { release, refusal } = verdict
      memory.releaseError = refusal === null ? null : `${refusal.code}: ${refusal.message}`
      if (refusal === null && release !== null) memory.release = release
      this.#tell(release, refusal)
    })
  }

  /** Brings a model back that the forecast object has lost. */
  async restore(): Promise<void> {
    const { release } = this.#ports.memory
    if (release !== null) await this.#bring(release)
  }

  /** Null: it is in force already. Rejects when the registry cannot be reached. */
  async #judge(text: string): Promise<{ release: Release | null; refusal: AtlasError | null } | null> {
    const { keys, memory } = this.#ports
    let release: Release | null = null
    try {
      release = await openRelease(text, keys)
      const current = memory.release?.version ?? 0
      if (release.version === current) return null
      if (release.series !== FORECASTER)
        throw new AtlasError('model/syntax', `release of "${release.series}", not of "${FORECASTER}"`)
      if (release.version < current)
        throw new AtlasError('model/stale', `release ${release.version} is not above release ${current}`)
      await this.#bring(release)
      return { release, refusal: null }
    } catch (thrown) {
      if (thrown instanceof AtlasError && thrown.code.startsWith('model/'))
        return { release, refusal: thrown }
      throw thrown
    }
  }

  async #bring(release: Release): Promise<void> {
    const { forecaster, fetch } = this.#ports
    for (const ref of [release.champion, rivalOf(release)?.ref]) {
      if (ref === undefined || (await forecaster.keeps(ref))) continue
      const answer = await forecaster.offer(ref, await fetch(ref))
      if (!answer.ok) throw new AtlasError(answer.code, answer.reason)
    }
  }

  #tell(release: Release | null, refusal: AtlasError | null): void {
    const { say, nowMs, wallMs } = this.#ports
    say({
      kind: 'model',
      atMs: nowMs(),
      version: release?.version ?? 0,
      outcome: refusal === null ? 'applied' : 'rejected',
      code: refusal?.code ?? '',
      reason: refusal === null ? '' : messageOf(refusal).slice(0, 500),
      champion: release?.champion ?? '',
      rival: release === null ? null : (rivalOf(release)?.ref ?? null),
      issuedAtMs: release?.issuedAtMs ?? 0,
      appliedAtMs: wallMs(),
    })
  }
}
