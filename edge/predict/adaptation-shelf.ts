import { AtlasError } from '../../contract/errors.ts'
import { type AdaptationEntry, openAdaptation, readAdaptation } from '../../contract/model/adaptation.ts'
import type { Adapted } from '../../contract/model/adapted.ts'
import type { SeriesHistory } from '../../contract/model/series.ts'
import { ModelShelf } from './model-shelf.ts'

/** Regressions of a series that may run, or why none may. */
export type OwnRegressions =
  | { readonly hash: string; readonly adapted: Adapted; readonly fault: null }
  | { readonly hash: null; readonly adapted: null; readonly fault: string }

/** Adaptations of a PoP's series, kept in the forecast object's SQLite by hash. */
export class AdaptationShelf {
  readonly #shelf: ModelShelf
  readonly #read = new Map<string, Adapted>()

  constructor(sql: SqlStorage) {
    this.#shelf = new ModelShelf(sql, 'adaptation_parts')
  }

  has(hash: string): boolean {
    return this.#shelf.has(hash)
  }

  /**
   * Keeps an adaptation that is whole and of this series.
   * @throws AtlasError `model/unreadable`, `model/shape`
   */
  async put(pop: string, entry: AdaptationEntry, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { adapted } = await openAdaptation(bytes, entry.hash, { pop, ...entry })
    this.#shelf.put(entry.hash, bytes)
    this.#read.set(entry.hash, adapted)
  }

  /**
   * What to run for a series beside a reference; null: nothing was given for this series.
   * @param beside SHA-256 of the reference's file
   */
  find(
    entries: readonly AdaptationEntry[],
    { name, stepS }: Pick<SeriesHistory, 'name' | 'stepS'>,
    beside: string,
  ): OwnRegressions | null {
    const given = entries.filter(({ series }) => series === name)
    if (given.length === 0) return null
    const entry = given.find((each) => each.beside === beside)
    if (entry === undefined) {
      const others = given.map((each) => `${each.beside.slice(0, 12)}…`).join(', ')
      return none(`fitted beside another reference (${others}) than ${beside.slice(0, 12)}…`)
    }
    try {
      const adapted = this.#open(entry.hash)
      if (adapted.stepS === stepS) return { hash: entry.hash, adapted, fault: null }
      return none(`fitted to steps of ${adapted.stepS} s, not of ${stepS} s`)
    } catch (thrown) {
      if (thrown instanceof AtlasError) return none(thrown.message)
      throw thrown
    }
  }

  /** Forgets what is not in use, but for the newest few. */
  tidy(inUse: readonly string[]): void {
    this.#shelf.tidy(inUse)
    for (const hash of this.#read.keys()) if (!inUse.includes(hash)) this.#read.delete(hash)
  }

  #open(hash: string): Adapted {
    const read = this.#read.get(hash)
    if (read !== undefined) return read
    const bytes = this.#shelf.get(hash)
    if (bytes === null) throw new AtlasError('model/not-found', `${hash.slice(0, 12)}… is not kept here`)
    const { adapted } = readAdaptation(bytes)
    this.#read.set(hash, adapted)
    return adapted
  }
}

function none(fault: string): OwnRegressions {
  return { hash: null, adapted: null, fault: `no regressions of its own: ${fault}` }
}
