import type { LimitUse } from '../control/stubs.ts'

const RECENT_MS = 3000
const MAX_KEYS = 20_000
const MAX_ANSWER = 1000

interface Entry {
  readonly limit: string
  readonly key: string
  atWallMs: number
  total: number
  /** Per isolate: what it charged itself, and how much of the others' it has been told. */
  readonly isolates: Map<string, { own: number; told: number }>
}

/**
 * Brings the isolates of a PoP to a common count of each limited key. Every isolate charges its own requests at once
 * and learns the others' with its next flush, so that N isolates together pass a limit by at most one flush interval.
 * A key nobody charged for 3 s is forgotten, and an isolate that joins a key is told nothing of what went before:
 * a rate limit's memory is shorter than that.
 */
export class LimitLedger {
  readonly #entries = new Map<string, Entry>()
  readonly #keysOf = new Map<string, Set<string>>()

  /** Books an isolate's use; answers what others have charged its recent keys since its last flush. */
  exchange(isolate: string, uses: readonly LimitUse[], wallMs: number): LimitUse[] {
    this.#forget(wallMs)
    for (const use of uses) this.#book(isolate, use, wallMs)
    const answer: LimitUse[] = []
    for (const id of this.#keysOf.get(isolate) ?? []) {
      const entry = this.#entries.get(id)
      const mine = entry?.isolates.get(isolate)
      if (entry === undefined || mine === undefined) continue
      const others = entry.total - mine.own
      if (others <= mine.told) continue
      answer.push({ limit: entry.limit, key: entry.key, cost: others - mine.told })
      mine.told = others
      if (answer.length === MAX_ANSWER) break
    }
    return answer
  }

  get size(): number {
    return this.#entries.size
  }

  #book(isolate: string, use: LimitUse, wallMs: number): void {
    const id = `${use.limit} ${use.key}`
    const entry = this.#entries.get(id) ?? {
      limit: use.limit,
      key: use.key,
      atWallMs: wallMs,
      total: 0,
      isolates: new Map<string, { own: number; told: number }>(),
    }
    const mine = entry.isolates.get(isolate) ?? { own: 0, told: entry.total }
    mine.own += use.cost
    entry.total += use.cost
    entry.atWallMs = wallMs
    entry.isolates.set(isolate, mine)
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    const keys = this.#keysOf.get(isolate)
    if (keys === undefined) this.#keysOf.set(isolate, new Set([id]))
    else keys.add(id)
  }

  #forget(wallMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (wallMs - entry.atWallMs < RECENT_MS && this.#entries.size <= MAX_KEYS) break
      this.#entries.delete(id)
      for (const isolate of entry.isolates.keys()) {
        const keys = this.#keysOf.get(isolate)
        keys?.delete(id)
        if (keys?.size === 0) this.#keysOf.delete(isolate)
      }
    }
  }
}
