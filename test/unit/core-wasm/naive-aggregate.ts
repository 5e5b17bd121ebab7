import { type Aggregate, type CallCount, OUTSIDE, UNROUTED } from '../../../contract/aggregate.ts'
import type { Random } from '../../../contract/ports.ts'
import { FLAG_SHED, FLAG_UNREACHABLE } from '../../../core-wasm/tap-ring.ts'
import { DISTRIBUTIONS, integer, pick } from './values.ts'

export interface Row {
  readonly bucketStartMs: number
  readonly module: number
  readonly status: number
  readonly ttfbMs: number
  readonly bytes: number
  readonly flags: number
  readonly caller: number
}

export interface NaiveCell {
  requests: number
  errors4xx: number
  errors5xx: number
  unreachable: number
  shed: number
  bytesOut: number
  limited: number
  latencies: number[]
}

export function randomRow(random: Random, buckets: number): Row {
  return {
    bucketStartMs: 1000 * integer(random, 5, 4 + buckets),
    module: integer(random, -1, 33),
    status: pick(random, [200, 204, 301, 399, 400, 404, 429, 499, 500, 503, 599, 600, 0]),
    ttfbMs: pick(random, [
      DISTRIBUTIONS.lognormal?.(random) ?? 1,
      random.next(),
      0,
      -1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]),
    bytes: pick(random, [integer(random, 0, 1e6), 0, -5, Number.NaN, 2 ** 33]),
    flags: pick(random, [0, 0, 0, FLAG_UNREACHABLE, FLAG_SHED, FLAG_SHED | FLAG_UNREACHABLE]),
    caller: pick(random, [OUTSIDE, OUTSIDE, integer(random, -1, 33)]),
  }
}

function emptyCell(): NaiveCell {
  return {
    requests: 0,
    errors4xx: 0,
    errors5xx: 0,
    unreachable: 0,
    shed: 0,
    bytesOut: 0,
    limited: 0,
    latencies: [],
  }
}

/** What the ring should say of the rows, by bucket and module, the slow way. */
export function naiveAggregate(rows: readonly Row[]): Map<number, Map<number, NaiveCell>> {
  const buckets = new Map<number, Map<number, NaiveCell>>()
  for (const row of rows) {
    const modules = buckets.get(row.bucketStartMs) ?? new Map<number, NaiveCell>()
    buckets.set(row.bucketStartMs, modules)
    const slot = row.module >= 0 && row.module < UNROUTED ? row.module : UNROUTED
    const cell = modules.get(slot) ?? emptyCell()
    modules.set(slot, cell)
    const ttfb = row.ttfbMs > 0 ? Math.min(Math.fround(row.ttfbMs), 1e6) : 0
    cell.requests++
    cell.errors4xx += row.status >= 400 && row.status <= 499 ? 1 : 0
    cell.errors5xx += row.status >= 500 && row.status <= 599 ? 1 : 0
    cell.unreachable += row.flags & FLAG_UNREACHABLE ? 1 : 0
    cell.shed += row.flags & FLAG_SHED ? 1 : 0
    cell.bytesOut += Number.isNaN(row.bytes) ? 0 : Math.max(0, row.bytes)
    if (isLimited(row)) {
      cell.limited++
      continue
    }
    cell.latencies.push(ttfb)
  }
  return buckets
}

function isLimited({ flags, status }: Row): boolean {
  return (flags & FLAG_SHED) !== 0 && status < 500
}

/** Who should be said to have called whom, by bucket, the slow way; by caller, then by callee. */
export function naiveCalls(rows: readonly Row[]): Map<number, CallCount[]> {
  const buckets = new Map<number, CallCount[]>()
  for (const { bucketStartMs } of rows) buckets.set(bucketStartMs, [])
  for (const [bucketStartMs, calls] of buckets) {
    const here = rows.filter((row) => row.bucketStartMs === bucketStartMs && !isLimited(row))
    for (let caller = 0; caller < OUTSIDE; caller++) {
      const made = here.filter((row) => row.caller === caller)
      for (let callee = 0; callee <= UNROUTED; callee++) {
        const isCallee = ({ module }: Row) =>
          callee === UNROUTED ? module < 0 || module >= UNROUTED : module === callee
        const requests = made.filter(isCallee).length
        if (requests > 0) calls.push({ caller, callee, requests })
      }
    }
  }
  return buckets
}

/** Counts of an aggregate's modules without their sketches, by module. */
export function countsOf(aggregate: Aggregate): Map<number, Omit<NaiveCell, 'latencies'>> {
  return new Map(
    aggregate.modules.map(({ module, latency: _, ...counts }) => [module, { limited: 0, ...counts }]),
  )
}
