import {
  type Aggregate,
  type CallCount,
  type ModuleAggregate,
  OUTSIDE,
  UNROUTED,
} from '../contract/aggregate.ts'
import { AtlasError } from '../contract/errors.ts'
import { CellTable, type Counts } from './cell.ts'
import { type Core, size } from './core.ts'
import { decodeSketch, quantileOf } from './sketch.ts'

/** Counts and latency quantiles; the quantiles are null when nothing was counted. */
export interface Totals extends Counts {
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
}

export interface ModuleTotals extends Totals {
  /** Index in the route table's list, or UNROUTED. */
  readonly module: number
}

/** Largest count that is believed of one module in one aggregate, and largest sum of bytes. */
const MAX_COUNT = 2 ** 32 - 1
const MAX_BYTES = 2 ** 63

/**
 * Merges what isolates report, per module, until it is taken. Buckets are not told apart: the owner decides which
 * aggregates belong together. Everything is checked before anything is merged: an aggregate counts whole or not at all.
 */
export class Aggregator {
  readonly #core: Core
  readonly #modules: CellTable
  readonly #staged: CellTable
  readonly #total: CellTable

  constructor(core: Core) {
    const cells = size(core.exports.CELLS)
    this.#core = core
    this.#modules = new CellTable(core, cells)
    this.#staged = new CellTable(core, cells)
    this.#total = new CellTable(core, 1)
  }

  /**
   * @throws AtlasError `message/invalid` with the fault's path: a module index not in 0..31 or repeated, a count that
   *   is not a count, more errors than requests, a malformed sketch, more than 2^32 - 1 latencies in all, or more calls than requests of
   *   the module called
   */
  add(aggregate: Aggregate): void {
    const slots = this.#stage(aggregate)
    for (const slot of slots) {
      this.#modules.merge(slot, this.#staged, slot)
      this.#total.merge(0, this.#staged, slot)
    }
  }

  /** What was added since the last take, by module index; forgets it. Modules without requests are left out. */
  take(): { readonly modules: readonly ModuleTotals[]; readonly total: Totals } {
    const modules: ModuleTotals[] = []
    for (let module = 0; module < this.#modules.length; module++) {
      if (this.#modules.requests(module) > 0) modules.push({ module, ...this.#totals(this.#modules, module) })
    }
    const total = this.#totals(this.#total, 0)
    this.#modules.clear()
    this.#total.clear()
    return { modules, total }
  }

  /** Checks an aggregate into the staging table and answers the slots it fills. */
  #stage(aggregate: Aggregate): number[] {
    if (!Number.isFinite(aggregate?.bucketStartMs)) throw invalid('bucketStartMs', 'must be a number')
    if (!Array.isArray(aggregate.modules)) throw invalid('modules', 'must be a list')
    const slots: number[] = []
    let latencies = this.#total.latencies(0)
    for (const [index, part] of aggregate.modules.entries()) {
      const path = `modules.${index}`
      checkPart(part, path)
      if (slots.includes(part.module)) throw invalid(`${path}.module`, `${part.module} stands twice`)
      slots.push(part.module)
      try {
        decodeSketch(this.#core, part.latency, this.#staged.sketch(part.module))
      } catch (thrown) {
        throw thrown instanceof AtlasError ? invalid(`${path}.latency`, thrown.message, thrown) : thrown
      }
      this.#staged.write(part.module, part)
      latencies += this.#staged.latencies(part.module)
      if (latencies > MAX_COUNT) throw invalid(`${path}.latency`, 'more than 2^32 - 1 latencies in all')
    }
    checkCalls(aggregate)
    return slots
  }

  #totals(table: CellTable, index: number): Totals {
    const quantile = (q: number): number | null => {
      const ms = quantileOf(this.#core, table.sketch(index), q)
      return Number.isNaN(ms) ? null : ms
    }
    return { ...table.read(index), p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99) }
  }
}

function checkPart(part: ModuleAggregate, path: string): void {
  if (part === null || typeof part !== 'object') throw invalid(path, 'must be an object')
  if (!(Number.isInteger(part.module) && part.module >= 0 && part.module <= UNROUTED)) {
    throw invalid(`${path}.module`, `must be an integer from 0 to ${UNROUTED}, but is ${part.module}`)
  }
  if (!isCount(part.requests)) throw invalid(`${path}.requests`, `must be a count, but is ${part.requests}`)
  for (const key of ['errors4xx', 'errors5xx', 'unreachable', 'shed'] as const) {
    if (!isCount(part[key]) || part[key] > part.requests) {
      throw invalid(`${path}.${key}`, `must be a count of at most requests, but is ${part[key]}`)
    }
  }
  const { limited = 0 } = part
  if (!isCount(limited) || limited > part.shed)
    throw invalid(`${path}.limited`, `must be a count of at most shed, but is ${limited}`)
  if (!(Number.isFinite(part.bytesOut) && part.bytesOut >= 0 && part.bytesOut <= MAX_BYTES)) {
    throw invalid(`${path}.bytesOut`, `must be a number of 0 or more, but is ${part.bytesOut}`)
  }
}

/** Calls are not merged here; an aggregate whose calls cannot be is not merged at all. */
function checkCalls({ modules, calls }: Aggregate): void {
  if (calls === undefined) return
  if (!Array.isArray(calls)) throw invalid('calls', 'must be a list')
  const left = new Map(modules.map(({ module, requests }) => [module, requests]))
  const seen = new Set<number>()
  for (const [index, call] of (calls as readonly CallCount[]).entries()) {
    const path = `calls.${index}`
    if (call === null || typeof call !== 'object') throw invalid(path, 'must be an object')
    const { caller, callee, requests } = call
    if (!(Number.isInteger(caller) && caller >= 0 && caller < OUTSIDE)) {
      throw invalid(`${path}.caller`, `must be an integer from 0 to ${OUTSIDE - 1}, but is ${caller}`)
    }
    const rest = left.get(callee)
    if (rest === undefined) throw invalid(`${path}.callee`, `must be one of the modules, but is ${callee}`)
    const pair = caller * (UNROUTED + 1) + callee
    if (seen.has(pair)) throw invalid(path, `the call from ${caller} to ${callee} stands twice`)
    seen.add(pair)
    if (!isCount(requests) || requests === 0 || requests > rest) {
      throw invalid(
        `${path}.requests`,
        `must be a count from 1, with the other calls at most the callee's requests, but is ${requests}`,
      )
    }
    left.set(callee, rest - requests)
  }
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_COUNT
}

function invalid(path: string, message: string, cause?: unknown): AtlasError {
  return new AtlasError('message/invalid', `aggregate: ${path}: ${message}`, {
    faults: [{ path, message }],
    cause,
  })
}
