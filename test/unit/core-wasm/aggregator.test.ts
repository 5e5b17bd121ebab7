import { describe, expect, it } from 'vitest'
import type { Aggregate, ModuleAggregate } from '../../../contract/aggregate.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { Aggregator } from '../../../core-wasm/aggregator.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { Sketch } from '../../../core-wasm/sketch.ts'
import { TapRing } from '../../../core-wasm/tap-ring.ts'
import { naiveAggregate, type Row, randomRow } from './naive-aggregate.ts'
import { exactQuantile } from './values.ts'

const SEED = 88

function aggregateOf(rows: readonly Row[]): Aggregate[] {
  const ring = new TapRing(loadCore())
  for (const row of rows)
    ring.write(row.bucketStartMs, row.module, row.status, row.ttfbMs, row.bytes, row.flags, row.caller)
  return ring.drain()
}

function latencyOf(...values: number[]): Uint8Array {
  const sketch = new Sketch(loadCore())
  for (const ms of values) sketch.add(ms)
  return sketch.encode()
}

function part(over: Partial<ModuleAggregate> = {}): ModuleAggregate {
  return {
    module: 2,
    requests: 3,
    errors4xx: 1,
    errors5xx: 0,
    unreachable: 0,
    shed: 1,
    bytesOut: 300,
    latency: latencyOf(3, 4, 5),
    ...over,
  }
}

describe('Aggregator', () => {
  it(`merges what isolates report to what one of all their requests would be (seed ${SEED})`, () => {
    const random = seededRandom(SEED)
    const aggregator = new Aggregator(loadCore())
    for (let round = 0; round < 3; round++) {
      const isolates = Array.from({ length: 8 }, () =>
        Array.from({ length: 1500 }, () => randomRow(random, 2)),
      )
      for (const rows of isolates) for (const aggregate of aggregateOf(rows)) aggregator.add(aggregate)
      const { modules, total } = aggregator.take()

      const all = isolates.flat()
      const expected = naiveAggregate(all.map((row) => ({ ...row, bucketStartMs: 0 }))).get(0)
      expect(modules.map(({ module }) => module)).toEqual([...(expected?.keys() ?? [])].sort((a, b) => a - b))
      for (const { module, p50Ms, p95Ms, p99Ms, ...counts } of modules) {
        const { latencies = [], ...naive } = expected?.get(module) ?? {}
        expect(counts).toMatchObject(naive)
        const sorted = Float64Array.from(latencies, (ms) => Math.max(ms, 0.01)).sort()
        for (const [q, ms] of [
          [0.5, p50Ms],
          [0.95, p95Ms],
          [0.99, p99Ms],
        ] as const) {
          expect(Math.abs((ms ?? 0) / exactQuantile(sorted, q) - 1)).toBeLessThanOrEqual(0.01 + 1e-9)
        }
      }
      expect(total.requests).toBe(all.length)
      expect(total.bytesOut).toBe(modules.reduce((sum, { bytesOut }) => sum + bytesOut, 0))
    }
  })

  it('forgets what was taken; without requests it has no modules and null quantiles', () => {
    const aggregator = new Aggregator(loadCore())
    aggregator.add({ bucketStartMs: 0, modules: [part()] })
    expect(aggregator.take().total.requests).toBe(3)
    expect(aggregator.take()).toEqual({
      modules: [],
      total: {
        requests: 0,
        errors4xx: 0,
        errors5xx: 0,
        unreachable: 0,
        shed: 0,
        bytesOut: 0,
        limited: 0,
        p50Ms: null,
        p95Ms: null,
        p99Ms: null,
      },
    })
  })

  it('does not depend on the order of the reports', () => {
    const random = seededRandom(SEED + 1)
    const reports = Array.from({ length: 5 }, () =>
      aggregateOf(Array.from({ length: 200 }, () => ({ ...randomRow(random, 1), ttfbMs: 8 }))),
    ).flat()
    const merge = (list: readonly Aggregate[]) => {
      const aggregator = new Aggregator(loadCore())
      for (const report of list) aggregator.add(report)
      return aggregator.take()
    }
    expect(merge(reports.toReversed())).toEqual(merge(reports))
  })
})

describe('a malformed aggregate', () => {
  const bad: Record<string, [path: string, modules: unknown]> = {
    'modules is no list': ['modules', {}],
    'a module is null': ['modules.0', [null]],
    'index below 0': ['modules.0.module', [part({ module: -1 })]],
    'index above 31': ['modules.0.module', [part({ module: 32 })]],
    'index with a fraction': ['modules.0.module', [part({ module: 1.5 })]],
    'index stands twice': ['modules.1.module', [part(), part()]],
    'negative count': ['modules.0.requests', [part({ requests: -1 })]],
    'count with a fraction': ['modules.0.requests', [part({ requests: 3.5 })]],
    'endless count': ['modules.0.requests', [part({ requests: Number.POSITIVE_INFINITY })]],
    'count as text': ['modules.0.requests', [part({ requests: '3' as unknown as number })]],
    'more errors than requests': ['modules.0.errors5xx', [part({ errors5xx: 4 })]],
    'more shed than requests': ['modules.0.shed', [part({ shed: 4 })]],
    'more limited than shed': ['modules.0.limited', [part({ limited: 2 })]],
    'limited is no count': ['modules.0.limited', [part({ limited: 0.5 })]],
    'bytes are NaN': ['modules.0.bytesOut', [part({ bytesOut: Number.NaN })]],
    'negative bytes': ['modules.0.bytesOut', [part({ bytesOut: -1 })]],
    'sketch is no bytes': ['modules.0.latency', [part({ latency: 'abc' as unknown as Uint8Array })]],
    'second sketch malformed': [
      'modules.1.latency',
      [part(), part({ module: 3, latency: Uint8Array.of(1, 9) })],
    ],
    'too many latencies': [
      'modules.1.latency',
      [part(), part({ module: 3, latency: Uint8Array.of(1, 1, 7, 0xff, 0xff, 0xff, 0xff, 0x0f) })],
    ],
  }
  for (const [name, [path, modules]] of Object.entries(bad)) {
    it(`is refused whole with its path: ${name}`, () => {
      const aggregator = new Aggregator(loadCore())
      aggregator.add({ bucketStartMs: 0, modules: [part({ module: 1 })] })
      expect(() => aggregator.add({ bucketStartMs: 0, modules } as Aggregate)).toThrow(
        expect.objectContaining({ code: 'message/invalid', faults: [expect.objectContaining({ path })] }),
      )
      const { modules: kept, total } = aggregator.take()
      expect(kept.map(({ module }) => module)).toEqual([1])
      expect(total).toMatchObject({ requests: 3, bytesOut: 300 })
    })
  }

  const badCalls: Record<string, [path: string, calls: unknown]> = {
    'calls is no list': ['calls', {}],
    'a call is null': ['calls.0', [null]],
    'caller below 0': ['calls.0.caller', [{ caller: -1, callee: 2, requests: 1 }]],
    'caller is the outside': ['calls.0.caller', [{ caller: 31, callee: 2, requests: 1 }]],
    'caller with a fraction': ['calls.0.caller', [{ caller: 0.5, callee: 2, requests: 1 }]],
    'callee without requests': ['calls.0.callee', [{ caller: 0, callee: 3, requests: 1 }]],
    'no request': ['calls.0.requests', [{ caller: 0, callee: 2, requests: 0 }]],
    'requests are NaN': ['calls.0.requests', [{ caller: 0, callee: 2, requests: Number.NaN }]],
    'more calls than the callee has requests': [
      'calls.1.requests',
      [
        { caller: 0, callee: 2, requests: 2 },
        { caller: 1, callee: 2, requests: 2 },
      ],
    ],
    'a pair stands twice': [
      'calls.1',
      [
        { caller: 0, callee: 2, requests: 1 },
        { caller: 0, callee: 2, requests: 1 },
      ],
    ],
  }
  for (const [name, [path, calls]] of Object.entries(badCalls)) {
    it(`is refused whole with its path: ${name}`, () => {
      const aggregator = new Aggregator(loadCore())
      expect(() => aggregator.add({ bucketStartMs: 0, modules: [part()], calls } as Aggregate)).toThrow(
        expect.objectContaining({ code: 'message/invalid', faults: [expect.objectContaining({ path })] }),
      )
      expect(aggregator.take().modules).toEqual([])
    })
  }

  it('is refused without a bucket', () => {
    const aggregator = new Aggregator(loadCore())
    expect(() => aggregator.add({ bucketStartMs: Number.NaN, modules: [] })).toThrow(/bucketStartMs/)
    expect(() => aggregator.add(null as unknown as Aggregate)).toThrow(/bucketStartMs/)
  })
})
