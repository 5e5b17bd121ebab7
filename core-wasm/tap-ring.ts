import {
  type Aggregate,
  type CallCount,
  type ModuleAggregate,
  OUTSIDE,
  UNROUTED,
} from '../contract/aggregate.ts'
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
  readonly #callsPointer: number
  /** Requests by caller, then by callee. */
  readonly #callMatrix: Uint32Array
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
    const callsBytes = size(core.exports.CALLS_BYTES)
    this.#callsPointer = core.arena.take(callsBytes)
    this.#callMatrix = new Uint32Array(core.buffer, this.#callsPointer, callsBytes / 4)
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
   * 0..31 counts as unrouted, a caller that is not in 0..30 as outside, a latency that is NaN or negative as 0 and an endless one as 10^6 ms, bytes likewise
   * up to 2^53.
   */
  write(
    bucketStartMs: number,
    module: number,
    status: number,
    ttfbMs: number,
    bytes: number,
    flags: number,
    caller: number = OUTSIDE,
  ): void {
    const row = this.#count
    if (row === this.#capacity || !Number.isFinite(bucketStartMs)) {
      this.dropped++
      return
    }
    const slot = module >= 0 && module <= UNROUTED ? module | 0 : UNROUTED
    const from = caller >= 0 && caller <= OUTSIDE ? caller | 0 : OUTSIDE
    this.#start[row] = bucketStartMs
    this.#bytes[row] = bytes
    this.#ttfb[row] = ttfbMs
    this.#word[row] = slot | ((flags & 3) << 8) | (from << 10) | (status << 16)
    this.#count = row + 1
  }

  /** Aggregates and forgets all records: one aggregate per bucket, the oldest first, its modules by index. */
  drain(): Aggregate[] {
    const { exports } = this.#core
    const drained: Aggregate[] = []
    while (this.#count > 0) {
      const bucketStartMs = exports.tapOldest(this.#pointer, this.#count)
      const upTo = drained.length === MAX_BUCKETS - 1 ? Number.POSITIVE_INFINITY : bucketStartMs
      this.#count = exports.tapTake(
        this.#pointer,
        this.#capacity,
        this.#count,
        upTo,
        this.#table.pointer(0),
        this.#callsPointer,
      )
      const calls = this.#calls()
      drained.push({ bucketStartMs, modules: this.#modules(), ...(calls.length > 0 && { calls }) })
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

  #calls(): CallCount[] {
    const calls: CallCount[] = []
    const width = this.#table.length
    this.#callMatrix.forEach((requests, index) => {
      if (requests > 0) calls.push({ caller: Math.floor(index / width), callee: index % width, requests })
    })
    return calls
  }
}
