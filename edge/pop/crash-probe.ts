import { targetOf } from '../control/coupling-plan.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { Reach } from './preflight.ts'
import { probe } from './preflight.ts'

const EVERY_MS = 2000

/** While a module's current target is crashed, asks its health path every 2 s of wall time whether it is back. */
export class CrashProbe {
  readonly #reach: Reach
  readonly #lastMs = new Map<number, number>()

  constructor(reach: Reach) {
    this.#reach = reach
  }

  /** Modules whose target has answered its health path; settles when every probe that is due is in. Never rejects. */
  async alive(crashed: number, table: RouteTable, wallMs: number): Promise<number[]> {
    const due = table.policy.modules
      .map((module, index) => ({
        index,
        health: module.health,
        target: targetOf(table.policy, index, table.vector),
      }))
      .filter(({ index, target }) => {
        if ((crashed & (1 << index)) === 0 || target === 'self') return false
        const sinceMs = wallMs - (this.#lastMs.get(index) ?? Number.NEGATIVE_INFINITY)
        return sinceMs >= EVERY_MS || sinceMs < 0
      })
    for (const { index } of due) this.#lastMs.set(index, wallMs)
    const answers = await Promise.all(
      due.map(async ({ index, target, health }) => {
        const name = table.policy.modules[index]?.name ?? String(index)
        return (await probe(this.#reach, { module: name, target, health })) === null ? index : -1
      }),
    )
    return answers.filter((index) => index >= 0)
  }
}
