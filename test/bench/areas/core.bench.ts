import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import { trainForest } from '../../../central/train/isolation-forest.ts'
import { type DecisionInput, initialDecisionState } from '../../../contract/decision.ts'
import { type Random, seededRandom } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { decide } from '../../../core-wasm/decision.ts'
import { averagePathLength, encodeForest, Forest } from '../../../core-wasm/forest.ts'
import { THRESHOLDS } from '../../unit/core-wasm/decision-inputs.ts'
import { type BenchOptions, fromRounds, interleave, type Result, ratios } from '../harness.ts'
import { jsForest } from '../peers/forest-js.ts'
import { onnxForest } from '../peers/forest-onnx.ts'

const FEATURES = 13
const TREES = 100
const SUBSAMPLE = 256
const POINTS = 4096

/** The Wasm core beside the same work in JavaScript, onnxruntime and scikit-learn; in Node's V8, on one thread. */
export default async function* core({ quick, log }: BenchOptions): AsyncIterable<Result> {
  const random = seededRandom(7)
  const rows = Float32Array.from({ length: POINTS * FEATURES }, () => gaussian(random))
  const points = Array.from({ length: POINTS }, (_, row) =>
    rows.subarray(row * FEATURES, (row + 1) * FEATURES),
  )
  const forest = trainForest(rows, FEATURES, { trees: TREES, subsample: SUBSAMPLE }, random)
  const [inWasm, inJs] = [Forest.load(loadCore(), encodeForest(forest)), jsForest(forest)]
  const session = await InferenceSession.create(onnxForest(forest))
  await agree(points, inWasm, inJs, session)

  const rounds = quick ? 9 : 31
  const each = (points: readonly Float32Array[], score: (point: Float32Array) => number) => () => {
    const began = performance.now()
    for (const point of points) score(point)
    return ((performance.now() - began) * 1000) / points.length
  }
  const figures = await interleave(
    {
      wasm: each(points, (point) => inWasm.score(point)),
      js: each(points, inJs),
      ort: async () => {
        const some = points.slice(0, 256)
        const began = performance.now()
        for (const point of some) await session.run({ points: new Tensor('float32', point, [1, FEATURES]) })
        return ((performance.now() - began) * 1000) / some.length
      },
    },
    rounds,
    () => {},
  )
  log(`forest: ${rounds} rounds`)
  yield fromRounds('core.forest_us_per_point', 'µs', figures.wasm)
  yield fromRounds('core.forest_ratio_vs_js', 'ratio', ratios(figures.wasm, figures.js))
  yield fromRounds('core.forest_us_per_point.js', 'µs', figures.js)
  yield fromRounds('core.forest_us_per_point.ort_web', 'µs', figures.ort)
  const sklearn = await scikitLearn(quick ? 9 : 15)
  if (sklearn) yield fromRounds('core.forest_us_per_point.sklearn', 'µs', sklearn)
  else log('scikit-learn is not installed; left out')

  const wasm = loadCore()
  const inputs = Array.from({ length: 1024 }, () => decisionInput(random))
  const decisions = await interleave(
    {
      decision: () => {
        const began = performance.now()
        for (let turn = 0; turn < 8; turn++) for (const input of inputs) decide(wasm, input)
        return ((performance.now() - began) * 1000) / (8 * inputs.length)
      },
    },
    rounds,
    () => {},
  )
  log('decision: done')
  yield fromRounds('core.decision_us', 'µs', decisions.decision)
}

/** A figure of two programs that compute different things compares nothing. */
async function agree(
  points: readonly Float32Array[],
  inWasm: Forest,
  inJs: (point: Float32Array) => number,
  session: InferenceSession,
): Promise<void> {
  for (const point of points.slice(0, 64)) {
    const [wasm, js] = [inWasm.score(point), inJs(point)]
    const { paths } = await session.run({ points: new Tensor('float32', point, [1, FEATURES]) })
    const ort = 2 ** (-Number(paths?.data[0]) / (TREES * averagePathLength(SUBSAMPLE)))
    if (Math.abs(wasm - js) > 1e-5 || Math.abs(wasm - ort) > 1e-5) {
      throw new Error(`the forests disagree: Wasm ${wasm}, JavaScript ${js}, onnxruntime ${ort}`)
    }
  }
}

async function scikitLearn(rounds: number): Promise<number[] | null> {
  const script = path.resolve(import.meta.dirname, '../peers/forest-sklearn.py')
  for (const python of ['/usr/bin/python3', 'python3']) {
    try {
      const { stdout } = await promisify(execFile)(python, [script, String(rounds), '20'])
      return stdout.trim().split('\n').map(Number)
    } catch {}
  }
  return null
}

function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

function decisionInput(random: Random): DecisionInput {
  return {
    nowMs: 1e6 + random.next() * 1e6,
    measuredRps: random.next() * 8000,
    predictedRps: random.next() < 0.1 ? Number.NaN : random.next() * 8000,
    anomalyScore: random.next(),
    crashed: 0,
    vector: Math.floor(random.next() * 16),
    loosable: 0b1111,
    hybrid: 0b0011,
    autonomyLevel: 3,
    transitionsLastHour: Math.floor(random.next() * 12),
    thresholds: THRESHOLDS,
    state: initialDecisionState(0),
  }
}
