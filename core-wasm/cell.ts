import type { ModuleAggregate } from '../contract/aggregate.ts'
import { type Core, size } from './core.ts'

/** The counts of one module in one bucket: all but its latency sketch. */
export type Counts = Required<Omit<ModuleAggregate, 'module' | 'latency'>>

/** Offset of the latency sketch in a cell. */
const LATENCY_BYTES = 64

/** A row of cells in the core's memory, by module index (assembly/cell.ts). */
export class CellTable {
  readonly length: number
  readonly #core: Core
  readonly #pointer: number
  readonly #cellBytes: number
  readonly #bytes: Uint8Array
  readonly #f64: Float64Array

  constructor(core: Core, length: number) {
    this.length = length
    this.#core = core
    this.#cellBytes = size(core.exports.CELL_BYTES)
    this.#pointer = core.arena.take(this.#cellBytes * length)
    this.#bytes = new Uint8Array(core.buffer, this.#pointer, this.#cellBytes * length)
    this.#f64 = new Float64Array(core.buffer, this.#pointer, (this.#cellBytes * length) / 8)
    this.clear()
  }

  pointer(index: number): number {
    return this.#pointer + index * this.#cellBytes
  }

  sketch(index: number): number {
    return this.pointer(index) + LATENCY_BYTES
  }

  requests(index: number): number {
    return this.#f64[(index * this.#cellBytes) / 8] ?? 0
  }

  /** Number of values in the cell's sketch. */
  latencies(index: number): number {
    return this.#f64[(index * this.#cellBytes + LATENCY_BYTES) / 8] ?? 0
  }

  read(index: number): Counts {
    const at = (index * this.#cellBytes) / 8
    const cell = this.#f64
    return {
      requests: cell[at] ?? 0,
      errors4xx: cell[at + 1] ?? 0,
      errors5xx: cell[at + 2] ?? 0,
      unreachable: cell[at + 3] ?? 0,
      shed: cell[at + 4] ?? 0,
      bytesOut: cell[at + 5] ?? 0,
      limited: cell[at + 6] ?? 0,
    }
  }

  /** Writes the counts; the sketch stays. */
  write(index: number, counts: Omit<ModuleAggregate, 'module' | 'latency'>): void {
    const at = (index * this.#cellBytes) / 8
    const cell = this.#f64
    cell[at] = counts.requests
    cell[at + 1] = counts.errors4xx
    cell[at + 2] = counts.errors5xx
    cell[at + 3] = counts.unreachable
    cell[at + 4] = counts.shed
    cell[at + 5] = counts.bytesOut
    cell[at + 6] = counts.limited ?? 0
  }

  /** Adds a cell of another table of the same core. False, and nothing changed, when its sketch would overflow. */
  merge(index: number, from: CellTable, fromIndex: number): boolean {
    return this.#core.exports.cellMerge(this.pointer(index), from.pointer(fromIndex)) === 1
  }

  clear(): void {
    this.#bytes.fill(0)
  }

  release(): void {
    this.#core.arena.release(this.#pointer)
  }
}
