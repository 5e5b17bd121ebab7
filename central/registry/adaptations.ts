import { readFileSync } from 'node:fs'
import { AtlasError } from '../../contract/errors.ts'
import type {
  Adaptation,
  AdaptationEntry,
  AdaptationRelease,
  HeldBack,
} from '../../contract/model/adaptation.ts'
import { parseManifest } from '../../contract/model/manifest.ts'
import { BUNDLED, rivalOf } from '../../contract/model/release.ts'
import type { ModelsState } from '../../contract/models-state.ts'
import type { View } from '../ingest/view.ts'
import type { AdaptationStore } from './adaptation-store.ts'
import { HORIZONS, type Horizon } from './measured.ts'
import type { ModelStore } from './model-store.ts'
import type { Caller } from './registry.ts'
import type { ReleaseStore } from './release-store.ts'

export interface AdaptationsOptions {
  readonly store: AdaptationStore
  readonly models: ModelStore
  readonly releases: ReleaseStore
  readonly view: View
}

/** A reference that PoPs run, and its ONNX file. */
export interface Reference {
  /** `bundled`, or the hash of its package. */
  readonly ref: string
  /** SHA-256 of the file: what an adaptation is bound to. */
  readonly beside: string
  readonly model: Uint8Array
}

/** Adaptations of one PoP, as the API tells them. */
export interface AdaptationsShown {
  readonly pop: string
  readonly release: AdaptationRelease
  readonly entries: readonly (AdaptationEntry & {
    /** Held-back error with the regressions over that without, by horizon and as their mean; null: not known. */
    readonly horizons: Readonly<Record<Horizon, number | null>> | null
    readonly ratio: number | null
  })[]
  /** What the PoP itself says of them; null: it has said nothing. */
  readonly told: ModelsState['adapted']
}

const MODELS = new URL('../../models/', import.meta.url)

/** What central knows of regressions that belong to single PoPs: publishes them, withdraws them, tells them. */
export class Adaptations {
  readonly #options: AdaptationsOptions

  constructor(options: AdaptationsOptions) {
    this.#options = options
  }

  /** The references that PoPs run now: the champion, and what runs beside it. */
  async references(): Promise<Reference[]> {
    const { releases, models } = this.#options
    const { release } = await releases.current()
    const refs = [release.champion, rivalOf(release)?.ref].filter((ref) => ref !== undefined)
    return Promise.all(
      refs.map(async (ref) => {
        if (ref === BUNDLED) return bundledReference()
        const { manifest, model } = await models.open(ref)
        return { ref, beside: manifest.forecaster.file.sha256, model }
      }),
    )
  }

  /**
   * Releases adaptations of one PoP, each of which must have been better than none on samples it had not seen. Those that
   * are in force for other series, or beside other references that still have a part, stay.
   * @throws AtlasError `model/not-proven`, `model/conflict`, `sync/unavailable`
   */
  async publish(
    pop: string,
    fresh: readonly Adaptation[],
    { by, reason }: Caller,
  ): Promise<AdaptationRelease> {
    const { store, releases } = this.#options
    for (const { heldBack } of fresh) {
      const ratio = heldBackRatio(heldBack)
      if (ratio === null || ratio >= 1)
        throw new AtlasError(
          'model/not-proven',
          `not published: on the samples held back its error is ${ratio?.toFixed(3) ?? 'unknown'} times that without`,
        )
    }
    const before = await store.current(pop)
    const entries: AdaptationEntry[] = []
    for (const one of fresh)
      entries.push({ series: one.series, beside: one.beside, hash: await store.put(one, by) })
    const inUse = (await this.references()).map(({ beside }) => beside)
    const kept = before.release.entries.filter(
      ({ series, beside }) =>
        inUse.includes(beside) && !entries.some((own) => own.series === series && own.beside === beside),
    )
    const release = await store.push(before, { entries: [...entries, ...kept], by, reason })
    await releases.audit(
      { before: before.release.version, ...release },
      `adaptation:${pop}:${release.version}`,
    )
    return release
  }

  /** Has a PoP go on without regressions. @throws AtlasError `model/conflict` when it has none */
  async withdraw(pop: string, { by, reason }: Caller): Promise<AdaptationRelease> {
    const { store, releases } = this.#options
    const before = await store.current(pop)
    if (before.release.entries.length === 0)
      throw new AtlasError('model/conflict', `PoP "${pop}" has no adaptation`)
    const release = await store.push(before, { entries: [], by, reason })
    await releases.audit(
      { before: before.release.version, ...release },
      `adaptation:${pop}:${release.version}`,
    )
    return release
  }

  async list(): Promise<AdaptationsShown[]> {
    const { store, view } = this.#options
    const shown = (await store.pops()).map(async (pop) => {
      const { release } = await store.current(pop)
      const entries = release.entries.map(async (entry) => {
        const about = await store.about(entry.hash)
        if (about === null) return { ...entry, horizons: null, ratio: null }
        return { ...entry, horizons: ratiosOf(about.heldBack), ratio: heldBackRatio(about.heldBack) }
      })
      const told = view.pop(pop)?.minutes.at(-1)?.models?.adapted ?? null
      return { pop, release, entries: await Promise.all(entries), told }
    })
    return Promise.all(shown)
  }
}

/** Mean over the horizons of the held-back error with the regressions over that without; below 1 they help. */
export function heldBackRatio(heldBack: HeldBack): number | null {
  const ratios = Object.values(ratiosOf(heldBack)).filter((ratio) => ratio !== null)
  return ratios.length === 0 ? null : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length
}

function ratiosOf(heldBack: HeldBack): Record<Horizon, number | null> {
  const ratio = (horizon: Horizon) => {
    const { adapted, unadapted } = heldBack[horizon]
    return unadapted > 0 ? adapted / unadapted : null
  }
  const [in5, in15, in60] = HORIZONS.map(ratio)
  return { in5: in5 ?? null, in15: in15 ?? null, in60: in60 ?? null }
}

function bundledReference(): Reference {
  const manifest = parseManifest(JSON.parse(readFileSync(new URL('manifest.json', MODELS), 'utf8')))
  const model = new Uint8Array(readFileSync(new URL(manifest.forecaster.file.path, MODELS)))
  return { ref: BUNDLED, beside: manifest.forecaster.file.sha256, model }
}
