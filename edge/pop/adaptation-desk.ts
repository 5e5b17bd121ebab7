import { AtlasError } from '../../contract/errors.ts'
import { type AdaptationRelease, openAdaptationRelease } from '../../contract/model/adaptation.ts'
import type { TrustedKeys } from '../../contract/signed-envelope.ts'
import type { ForecastStub } from '../control/stubs.ts'
import type { Cursor, PolicySyncPorts } from './policy-sync.ts'

/** What a PoP remembers of adaptations: those in force, why the last were rejected, and the last release that was read. */
export interface AdaptationMemory {
  adaptations: AdaptationRelease | null
  adaptationError: string | null
  adaptationCursor: Cursor
}

export interface AdaptationDeskPorts {
  readonly pop: string
  readonly keys: TrustedKeys
  readonly memory: AdaptationMemory
  readonly forecaster: Pick<ForecastStub, 'offerAdaptation' | 'keeps'>
  /** The bytes of a hash as the registry has them. Rejects with an AtlasError when they are not whole. */
  fetch(hash: string): Promise<Uint8Array<ArrayBuffer>>
  /** Runs all of its writes or none. */
  atomically(write: () => void): void
  wait(ms: number): Promise<void>
}

/**
 * Takes each release of adaptations for this PoP: its signature, then every document, which the forecast object checks and
 * keeps. One that is refused changes nothing but the reason, which status and minute telemetry tell. Whether regressions
 * run is told by the reference that runs: beside another than theirs they stay unused.
 */
export class AdaptationDesk implements PolicySyncPorts {
  readonly #ports: AdaptationDeskPorts
  readonly wait: (ms: number) => Promise<void>

  constructor(ports: AdaptationDeskPorts) {
    this.#ports = ports
    this.wait = ports.wait
  }

  load(): Cursor {
    return this.#ports.memory.adaptationCursor
  }

  reset(): void {
    this.#ports.memory.adaptationCursor = { seq: 0, timeStamp: '' }
  }

  async take(text: string | null, cursor: Cursor): Promise<void> {
    const { memory, atomically } = this.#ports
    const verdict = text === null ? null : await this.#judge(text)
    atomically(() => {
      memory.adaptationCursor = cursor
      if (verdict === null) return
      const isRefused = verdict instanceof AtlasError
      memory.adaptationError = isRefused ? `${verdict.code}: ${verdict.message}` : null
      if (!isRefused) memory.adaptations = verdict
    })
  }

  /** Brings documents back that the forecast object has lost; asks it no more where it has them. */
  async restore(): Promise<void> {
    const { adaptations } = this.#ports.memory
    if (adaptations !== null) await this.#bring(adaptations)
  }

  /** Null: it is in force already. Rejects when the registry cannot be reached. */
  async #judge(text: string): Promise<AdaptationRelease | AtlasError | null> {
    const { keys, memory, pop } = this.#ports
    try {
      const release = await openAdaptationRelease(text, keys)
      const current = memory.adaptations?.version ?? 0
      if (release.pop !== pop)
        throw new AtlasError('model/shape', `adaptations of PoP "${release.pop}", not of "${pop}"`)
      if (release.version === current) return null
      if (release.version < current)
        throw new AtlasError('model/stale', `adaptations ${release.version} are not above ${current}`)
      await this.#bring(release)
      return release
    } catch (thrown) {
      if (thrown instanceof AtlasError && thrown.code.startsWith('model/')) return thrown
      throw thrown
    }
  }

  async #bring({ entries }: AdaptationRelease): Promise<void> {
    const { forecaster, fetch, pop } = this.#ports
    for (const entry of entries) {
      if (await forecaster.keeps(entry.hash)) continue
      const answer = await forecaster.offerAdaptation(pop, entry, await fetch(entry.hash))
      if (!answer.ok) throw new AtlasError(answer.code, answer.reason)
    }
  }
}
