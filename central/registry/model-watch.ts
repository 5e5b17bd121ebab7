import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { View } from '../ingest/view.ts'
import { probation } from './gate.ts'
import { DRIFT_LIMIT, driftOf, pairingOf } from './measured.ts'
import type { Registry } from './registry.ts'
import type { ReleaseStore } from './release-store.ts'

export interface ModelWatchOptions {
  readonly registry: Registry
  readonly releases: ReleaseStore
  readonly view: View
  /** A PoP's error has grown so far that training is called for: once a day of the series' time. */
  readonly onDrift?: (pop: string, ratio: number) => void
  readonly periods: () => Promise<{ readonly probationDays: number }>
  readonly log: (event: string, facts: Record<string, string | number>) => void
}

const BY = 'central'
const DAY_MS = 86_400_000

/**
 * Watches what PoPs measure: a promoted model that is worse than the one before it is rolled back, one that has passed
 * its probation is confirmed, and drift is written down once a day of the series' time as a call for training. Several
 * centrals may watch: a release is a compare-and-set, and an audit entry has an id.
 */
export class ModelWatch {
  readonly #options: ModelWatchOptions
  readonly #called = new Set<string>()

  constructor(options: ModelWatchOptions) {
    this.#options = options
  }

  /** One look. Never throws: without NATS there is nothing to look at, and it looks again. */
  async look(): Promise<void> {
    try {
      await this.#probation()
      await this.#drift()
    } catch (thrown) {
      const isExpected = thrown instanceof AtlasError
      if (!isExpected || thrown.code === 'model/unsigned' || thrown.code === 'model/syntax')
        this.#options.log('model watch failed', { error: messageOf(thrown) })
    }
  }

  async #probation(): Promise<void> {
    const { releases, registry, view, periods, log } = this.#options
    if (!view.pops().some(({ minutes }) => minutes.at(-1)?.models?.rival?.role === 'former')) return
    const record = await releases.current()
    const { former, version } = record.release
    if (former === null) return
    const pairing = pairingOf(view.pops(), version, former)
    const verdict = probation(pairing, (await periods()).probationDays)
    if (verdict.kind === 'back') {
      await registry.rollback({ by: BY, reason: verdict.reason }, record)
      log('model rolled back', { version: version + 1, reason: verdict.reason })
    } else if (verdict.kind === 'confirm') {
      await registry.confirm(record, { by: BY, reason: 'probation is over' })
      log('model confirmed', { version: version + 1 })
    }
  }

  async #drift(): Promise<void> {
    const { releases, view, log } = this.#options
    const dayOf = new Map(
      view.pops().map(({ pop, minutes }) => [pop, Math.floor((minutes.at(-1)?.minuteStartMs ?? 0) / DAY_MS)]),
    )
    for (const drift of driftOf(view.pops())) {
      if (drift.ratio === null || drift.ratio < DRIFT_LIMIT) continue
      const id = `retrain:${drift.pop}:${drift.ref.slice(0, 12)}:${dayOf.get(drift.pop)}`
      if (this.#called.has(id)) continue
      this.#called.add(id)
      await releases.audit({ kind: 'retrain', by: BY, ...drift }, id)
      this.#options.onDrift?.(drift.pop, drift.ratio)
      log('drift calls for training', { pop: drift.pop, ratio: Number(drift.ratio.toFixed(3)) })
    }
  }
}
