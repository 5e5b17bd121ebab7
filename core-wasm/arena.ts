/** Alignment of everything given out: one SIMD register. */
const ALIGN = 16

interface Block {
  readonly at: number
  readonly bytes: number
}

/**
 * Gives out stretches of the core's memory, first fit. Its books are kept outside of that memory, so that nothing the
 * core writes can damage them. For set-up only: nothing allocates when hot.
 */
export class Arena {
  /** By address, never two that touch. */
  #free: Block[]
  readonly #taken = new Map<number, number>()

  constructor(start: number, end: number) {
    const at = Math.ceil(start / ALIGN) * ALIGN
    this.#free = [{ at, bytes: Math.floor(end / ALIGN) * ALIGN - at }]
  }

  /** Bytes of the largest stretch that can still be taken. */
  get largest(): number {
    return this.#free.reduce((most, block) => Math.max(most, block.bytes), 0)
  }

  /**
   * Takes a stretch and answers its address; the memory holds whatever was there.
   * @throws RangeError when no free stretch is large enough
   */
  take(bytes: number): number {
    const needed = Math.max(1, Math.ceil(bytes / ALIGN)) * ALIGN
    const index = this.#free.findIndex((block) => block.bytes >= needed)
    const block = this.#free[index]
    if (block === undefined) {
      throw new RangeError(
        `core memory: ${needed} bytes needed, the largest free stretch has ${this.largest}`,
      )
    }
    const rest = { at: block.at + needed, bytes: block.bytes - needed }
    this.#free.splice(index, 1, ...(rest.bytes > 0 ? [rest] : []))
    this.#taken.set(block.at, needed)
    return block.at
  }

  /** Gives back what `take` answered. What was not taken, or is back already, is ignored. */
  release(at: number): void {
    const bytes = this.#taken.get(at)
    if (bytes === undefined) return
    this.#taken.delete(at)
    const merged: Block[] = []
    for (const block of [...this.#free, { at, bytes }].sort((a, b) => a.at - b.at)) {
      const last = merged.at(-1)
      if (last && last.at + last.bytes === block.at) {
        merged[merged.length - 1] = { at: last.at, bytes: last.bytes + block.bytes }
      } else merged.push(block)
    }
    this.#free = merged
  }
}
