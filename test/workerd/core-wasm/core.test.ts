import { expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { Aggregator } from '../../../core-wasm/aggregator.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { decide } from '../../../core-wasm/decision.ts'
import { decideSlow } from '../../../core-wasm/decision-oracle.ts'
import { encodeForest, Forest, rankFeatures } from '../../../core-wasm/forest.ts'
import { explainSlow, scoreSlow } from '../../../core-wasm/forest-oracle.ts'
import { Sketch } from '../../../core-wasm/sketch.ts'
import { TapRing } from '../../../core-wasm/tap-ring.ts'
import { randomInput } from '../../unit/core-wasm/decision-inputs.ts'
import { naiveAggregate, randomRow } from '../../unit/core-wasm/naive-aggregate.ts'
import { randomForest, randomPoint } from '../../unit/core-wasm/random-forest.ts'
import { DISTRIBUTIONS, exactQuantile } from '../../unit/core-wasm/values.ts'

const SEED = 60_061

it('runs in workerd', () => {
  expect(navigator.userAgent).toBe('Cloudflare-Workers')
})

it(`decides as the oracle (seed ${SEED})`, () => {
  const core = loadCore()
  const random = seededRandom(SEED)
  const inputs = Array.from({ length: 20_000 }, () => randomInput(random))
  expect(inputs.map((input) => decide(core, input))).toEqual(inputs.map(decideSlow))
})

it(`scores and explains points as the oracle (seed ${SEED})`, () => {
  const random = seededRandom(SEED + 1)
  const model = randomForest(random, { trees: 100, depth: 8, features: 14, subsample: 256 })
  const forest = Forest.load(loadCore(), encodeForest(model))
  for (let i = 0; i < 200; i++) {
    const point = randomPoint(random, 14)
    expect(Math.abs(forest.score(point) / scoreSlow(model, point) - 1)).toBeLessThan(1e-6)
    const { weight, visits } = explainSlow(model, point)
    expect(forest.isolating(point, 3)).toEqual(rankFeatures(weight, visits, 3))
  }
})

it(`keeps latencies within 1 % and encodes them as recorded from Node (seed ${SEED})`, () => {
  const random = seededRandom(SEED + 2)
  const sketch = new Sketch(loadCore())
  const values = Float64Array.from({ length: 20_000 }, () => DISTRIBUTIONS.lognormal?.(random) ?? 0)
  for (const ms of values) sketch.add(ms)
  values.sort()
  for (const q of [0.01, 0.5, 0.95, 0.99, 1]) {
    expect(Math.abs(sketch.quantile(q) / exactQuantile(values, q) - 1)).toBeLessThanOrEqual(0.01 + 1e-9)
  }
  sketch.clear()
  for (const ms of [0, 1, 1, 1]) sketch.add(ms)
  expect([...sketch.encode()]).toEqual([1, 2, 0, 1, 0xe6, 1, 3])
})

it(`carries the tap to totals as a naive aggregation (seed ${SEED})`, () => {
  const random = seededRandom(SEED + 3)
  const core = loadCore()
  const ring = new TapRing(core)
  const rows = Array.from({ length: 4000 }, () => randomRow(random, 3))
  for (const row of rows)
    ring.write(row.bucketStartMs, row.module, row.status, row.ttfbMs, row.bytes, row.flags, row.caller)
  const aggregator = new Aggregator(loadCore())
  for (const aggregate of ring.drain()) aggregator.add(structuredClone(aggregate))
  const { modules, total } = aggregator.take()

  const naive = naiveAggregate(rows.map((row) => ({ ...row, bucketStartMs: 0 }))).get(0)
  expect(ring.dropped).toBe(0)
  expect(total.requests).toBe(4000)
  for (const { module, requests, errors4xx, errors5xx, bytesOut } of modules) {
    expect(naive?.get(module)).toMatchObject({ requests, errors4xx, errors5xx, bytesOut })
  }
})

it('refuses a damaged forest and a malformed sketch as in Node', () => {
  const file = encodeForest({ features: 1, subsample: 4, depth: 1, trees: [{ size: 4 }] })
  expect(() => Forest.load(loadCore(), file.subarray(1))).toThrow(
    expect.objectContaining({ code: 'model/unreadable' }),
  )
  expect(() => new Sketch(loadCore()).merge(Uint8Array.of(1, 1, 5))).toThrow(
    expect.objectContaining({ code: 'message/invalid' }),
  )
})
