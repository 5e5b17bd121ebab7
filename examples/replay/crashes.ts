import type { PopStatus } from '../../contract/pop-status.ts'
import type { CrashRecord } from './record.ts'

interface Killed {
  readonly minute: number
  readonly module: string
  readonly part: string
  readonly atMs: number
}

/** How long after a kill failures are put down to it, on the wall's clock. */
const FELT_MS = 10_000
const MONOLITH = 'monolith'

/** The plan's crashes: each kills what serves the module at that moment, its own service or the monolith. */
export class Crashes {
  readonly #due: { readonly minute: number; readonly module: string }[]
  readonly #kill: (part: string) => void
  readonly #killed: Killed[] = []

  constructor(
    due: readonly { readonly minute: number; readonly module: string }[],
    kill: (part: string) => void,
  ) {
    this.#due = due.toSorted((a, b) => a.minute - b.minute)
    this.#kill = kill
  }

  /** Does what is due. */
  upTo(minute: number, status: PopStatus | null): void {
    while (this.#due[0] && this.#due[0].minute <= minute) {
      const { module } = this.#due[0]
      this.#due.shift()
      const isLoose = status?.second?.modules.some(({ name, loose }) => name === module && loose) ?? false
      const part = isLoose ? module : MONOLITH
      this.#killed.push({ minute, module, part, atMs: Date.now() })
      this.#kill(part)
    }
  }

  /** What came of each, by the answers that the clients got (in the order of their ends). */
  records(outcomes: readonly { atMs: number; module: string; good: boolean }[]): CrashRecord[] {
    return this.#killed.map(({ minute, module, part, atMs }) => {
      const felt = outcomes.filter(
        (each) =>
          each.atMs >= atMs && each.atMs < atMs + FELT_MS && (part === MONOLITH || each.module === module),
      )
      const lastFailed = felt.findLastIndex(({ good }) => !good)
      const good = felt.slice(lastFailed + 1).find((each) => each.good)
      return {
        minute,
        module,
        part,
        failed: felt.filter((each) => !each.good).length,
        recoveredMs: lastFailed < 0 ? 0 : good ? good.atMs - atMs : null,
      }
    })
  }
}
