import { type Aggregate, type ModuleAggregate, UNROUTED } from '../contract/aggregate.ts'
import { CellTable } from './cell.ts'
import { type Core, size } from './core.ts'
import { encodeSketch } from './sketch.ts'

/** The origin could not be reached at all. */
export const FLAG_UNREACHABLE = 1
/** Answered by ATLAS itself. */
export const FLAG_SHED = 2

/** Buckets told apart in one drain; what is later than the last of them counts into it. */
export const MAX_BUCKETS = 64

const DEFAULT_CAPACITY = 16_384
const ROW_BYTES = 24

/**
 * What happened to each request, kept in the core's memory until the next flush. Writing is a few typed-array stores
 * (0.2 µs: a call into Wasm would cost more than it saves); draining aggregates in Wasm.
 */
export class TapRing {
  /** Records that were not counted: the ring was full, or the bucket's start was not a number. */
  dropped = 0

  readonly #core: Core
  readonly #capacity: number
  readonly #pointer: number
  readonly #table: CellTable
  readonly #start: Float64Array
  readonly #bytes: Float64Array
  readonly #ttfb: Float32Array
  readonly #word: Uint32Array
  #count = 0

  /** @throws RangeError when the capacity (records between two drains, default 16384) is not in 1..65536 */
  constructor(core: Core, { capacity = DEFAULT_CAPACITY }: { readonly capacity?: number } = {}) {
    if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= 65_536)) {
      throw new RangeError(`capacity must be an integer from 1 to 65536, but is ${capacity}`)
    }
    this.#core = core
    this.#capacity = capacity
    this.#pointer = core.arena.take(capacity * ROW_BYTES)
    this.#table = new CellTable(core, size(core.exports.CELLS))
    this.#start = new Float64Array(core.buffer, this.#pointer, capacity)
    this.#bytes = new Float64Array(core.buffer, this.#pointer + 8 * capacity, capacity)
    this.#ttfb = new Float32Array(core.buffer, this.#pointer + 16 * capacity, capacity)
    this.#word = new Uint32Array(core.buffer, this.#pointer + 20 * capacity, capacity)
  }

  /** Records waiting for the next drain. */
  get pending(): number {
    return this.#count
  }

  /**
   * Records one request. Never throws, never allocates, never leaves the ring's bounds: a module index that is not in
   * 0..31 counts as unrouted, a latency that is NaN or negative as 0 and an endless one as 10^6 ms, bytes likewise
   * up to 2^53.
   */
  write(
    bucketStartMs: number,
    module: number,
    status: number,
    ttfbMs: number,
    bytes: number,
    flags: number,
  ): void {
    const row = this.#count
    if (row === this.#capacity || !Number.isFinite(bucketStartMs)) {
      this.dropped++
      return
    }
    const slot = module >= 0 && module <= UNROUTED ? module | 0 : UNROUTED
    this.#start[row] = bucketStartMs
    this.#bytes[row] = bytes
    this.#ttfb[row] = ttfbMs
    this.#word[row] = slot | ((flags & 3) << 8) | (status << 16)
    this.#count = row + 1
  }

  /** Aggregates and forgets all records: one aggregate per bucket, the oldest first, its modules by index. */
  drain(): Aggregate[] {
    const { exports } = this.#core
    const drained: Aggregate[] = []
    while (this.#count > 0) {
      const bucketStartMs = exports.tapOldest(this.#pointer, this.#count)
      const upTo = drained.length === MAX_BUCKETS - 1 ? Number.POSITIVE_INFINITY : bucketStartMs
      this.#count = exports.tapTake(this.#pointer, this.#capacity, this.#count, upTo, this.#table.pointer(0))
      drained.push({ bucketStartMs, modules: this.#modules() })
    }
    return drained
  }

  #modules(): ModuleAggregate[] {
    const modules: ModuleAggregate[] = []
    for (let module = 0; module < this.#table.length; module++) {
      if (this.#table.requests(module) === 0) continue
      const latency = encodeSketch(this.#core, this.#table.sketch(module))
      modules.push({ module, ...this.#table.read(module), latency })
    }
    return modules
  }
}
