import { targetOf } from '../control/coupling-plan.ts'
import type { RouteTable } from '../control/route-table.ts'
import { isReady, type Reach } from './preflight.ts'

const EVERY_MS = 2000
const LIMIT_MS = 1000

/** What a target's health path said: ready (as the preflight means it), another HTTP answer, or nothing in time. */
export type Health = 'ready' | 'answers' | 'silent'

export interface Examined {
  readonly module: number
  readonly health: Health
}

/** Asks the health path of targets that are suspect or crashed, at once and then every 2 s of wall time. */
export class CrashProbe {
  readonly #reach: Reach
  readonly #lastMs = new Map<number, number>()

  constructor(reach: Reach) {
    this.#reach = reach
  }

  /** Examines those of the modules (bits) that are due; `self` has no health path. Settles when all are in; never rejects. */
  async examine(modules: number, table: RouteTable, wallMs: number): Promise<Examined[]> {
    const due = table.policy.modules
      .map(({ health }, module) => ({ module, health, target: targetOf(table.policy, module, table.vector) }))
      .filter(({ module, target }) => (modules & (1 << module)) !== 0 && target !== 'self')
      .filter(({ module }) => {
        const sinceMs = wallMs - (this.#lastMs.get(module) ?? Number.NEGATIVE_INFINITY)
        return sinceMs >= EVERY_MS || sinceMs < 0
      })
    for (const { module } of due) this.#lastMs.set(module, wallMs)
    return Promise.all(
      due.map(async ({ module, target, health }) => ({
        module,
        health: await this.#ask(target, health, (table.vector & (1 << module)) === 0),
      })),
    )
  }

  async #ask(target: string, path: string, tight: boolean): Promise<Health> {
    try {
      const response = await this.#reach(target, path, AbortSignal.timeout(LIMIT_MS))
      await response.body?.cancel()
      return isReady(response.status, tight) ? 'ready' : 'answers'
    } catch {
      return 'silent'
    }
  }
}
