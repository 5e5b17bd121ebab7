import type { Mode } from '../../contract/coupling.ts'
import type { AdaptationRelease } from '../../contract/model/adaptation.ts'
import type { Release } from '../../contract/model/release.ts'
import type { PopStatus } from '../../contract/pop-status.ts'
import type { TimeScale } from '../../contract/ports.ts'
import type { AlertMemory } from './alert/alerts.ts'
import type { DecisionMemory } from './decision-desk.ts'
import type { ObserverMemory } from './observer.ts'
import type { Cursor } from './policy-sync.ts'
import type { StateStore } from './state-store.ts'

/** What every tick writes, in one row. Times: `nowMs` the trace's, `wallMs` the wall's. */
export interface TickMemory {
  readonly nowMs: number
  readonly wallMs: number
  readonly ticks: number
  readonly requests: number
  readonly internalErrors: number
  readonly tapDropped: number
  readonly decision: DecisionMemory
  readonly observer: ObserverMemory
  /** Left out by versions that raised none. */
  readonly alerts?: AlertMemory
}

/** What the rival would have done, since the pair began. */
export interface PairMemory {
  readonly champion: string
  readonly rival: string
  /** Trace time of the first minute both were measured by; null before. */
  readonly sinceMs: number | null
  readonly asked: number
  readonly differed: number
  readonly wouldBe: Mode | null
}

/** The PoP's named values in SQLite. */
export class PopMemory {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  /** Undefined before the first tick, and for ever after `startTimeline` until the next one. */
  get tick(): TickMemory | undefined {
    return this.#store.get<TickMemory | null>('tick') ?? undefined
  }

  set tick(memory: TickMemory) {
    this.#store.put('tick', memory)
  }

  get lastDecision(): PopStatus['lastDecision'] {
    return this.#store.get<PopStatus['lastDecision']>('lastDecision') ?? null
  }

  set lastDecision(decision: PopStatus['lastDecision']) {
    this.#store.put('lastDecision', decision)
  }

  /** Why the last policy was rejected; null when it was applied. */
  get policyError(): string | null {
    return this.#store.get<string | null>('policyError') ?? null
  }

  set policyError(reason: string | null) {
    this.#store.put('policyError', reason)
  }

  cursor(policyName: string): Cursor {
    const kept = this.#store.get<Cursor & { policyName: string }>('cursor')
    return kept?.policyName === policyName ? kept : { seq: 0, timeStamp: '' }
  }

  setCursor(policyName: string, cursor: Cursor): void {
    this.#store.put('cursor', { policyName, ...cursor })
  }

  /** The release of models in force; null: the bundled model alone. */
  get release(): Release | null {
    return this.#store.get<Release>('release') ?? null
  }

  set release(release: Release) {
    this.#store.put('release', release)
  }

  /** Why the last release was rejected; null when it was applied. */
  get releaseError(): string | null {
    return this.#store.get<string | null>('releaseError') ?? null
  }

  set releaseError(reason: string | null) {
    this.#store.put('releaseError', reason)
  }

  get releaseCursor(): Cursor {
    return this.#store.get<Cursor>('releaseCursor') ?? { seq: 0, timeStamp: '' }
  }

  set releaseCursor(cursor: Cursor) {
    this.#store.put('releaseCursor', cursor)
  }

  /** Which adaptations of its own series are in force; null: none were ever released for this PoP. */
  get adaptations(): AdaptationRelease | null {
    return this.#store.get<AdaptationRelease>('adaptations') ?? null
  }

  set adaptations(release: AdaptationRelease) {
    this.#store.put('adaptations', release)
  }

  /** Why the last release of adaptations was rejected; null when it was applied. */
  get adaptationError(): string | null {
    return this.#store.get<string | null>('adaptationError') ?? null
  }

  set adaptationError(reason: string | null) {
    this.#store.put('adaptationError', reason)
  }

  get adaptationCursor(): Cursor {
    return this.#store.get<Cursor>('adaptationCursor') ?? { seq: 0, timeStamp: '' }
  }

  set adaptationCursor(cursor: Cursor) {
    this.#store.put('adaptationCursor', cursor)
  }

  /** What the rival of the release would have done. */
  get pair(): PairMemory | null {
    return this.#store.get<PairMemory | null>('pair') ?? null
  }

  set pair(pair: PairMemory) {
    this.#store.put('pair', pair)
  }

  /** Random name of this storage, made with it. */
  epoch(make: () => string): string {
    const kept = this.#store.get<string>('epoch')
    if (kept !== undefined) return kept
    const epoch = make()
    this.#store.put('epoch', epoch)
    return epoch
  }

  /** Number of the next decision told. */
  nextDecision(): number {
    return this.#next('decisions')
  }

  /** Number of the next alert. */
  nextAlert(): number {
    return this.#next('alerts')
  }

  #next(counter: string): number {
    const number = (this.#store.get<number>(counter) ?? 0) + 1
    this.#store.put(counter, number)
    return number
  }

  /**
   * Whether the PoP runs on another time scale than before (a replay has begun or ended). What was remembered of trace
   * time means nothing on it and is forgotten.
   */
  startTimeline(scale: TimeScale): boolean {
    const kept = this.#store.get<TimeScale>('scale')
    const isNew = kept !== undefined && JSON.stringify(kept) !== JSON.stringify(scale)
    if (kept === undefined || isNew) this.#store.put('scale', scale)
    if (isNew) {
      this.#store.put('tick', null)
      this.#store.put('lastDecision', null)
      this.#store.put('pair', null)
    }
    return isNew
  }
}
