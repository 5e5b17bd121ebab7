import { OUTSIDE, UNROUTED } from '../../contract/aggregate.ts'

/** Requests of one module to another, by index. */
export type CallRow = readonly [caller: number, callee: number, requests: number]

const WIDTH = UNROUTED + 1

/** Which modules called which in one minute. Bounded: there are no more pairs than modules squared. */
export class MinuteCalls {
  #requests = new Map<number, number>()

  add(caller: number, callee: number, requests: number): void {
    const pair = caller * WIDTH + callee
    this.#requests.set(pair, (this.#requests.get(pair) ?? 0) + requests)
  }

  /** By caller, then by callee. */
  rows(): CallRow[] {
    return [...this.#requests]
      .sort(([one], [other]) => one - other)
      .map(([pair, requests]) => [Math.floor(pair / WIDTH), pair % WIDTH, requests])
  }

  /** Modules have other indexes now. Calls of one that is gone are forgotten; calls to it remain, to `UNROUTED`. */
  remap(indexOf: (index: number) => number): void {
    const rows = this.rows()
    this.#requests = new Map()
    for (const [caller, callee, requests] of rows) {
      const from = indexOf(caller)
      if (from !== OUTSIDE) this.add(from, indexOf(callee), requests)
    }
  }
}
