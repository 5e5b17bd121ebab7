import { InferenceSession, Tensor } from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { exportModel, INPUT_NAME, OUTPUT_NAME } from '../../../central/train/export.ts'
import { initialParameters, type NetworkShape, type Parameter } from '../../../central/train/network.ts'
import { type Batch, Trainer } from '../../../central/train/trainer.ts'
import { trainingGraph } from '../../../central/train/training-graph.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { answerSlow } from './lstm-oracle.ts'

const SEED = 7
const SHAPE: NetworkShape = {
  features: 3,
  lookback: 5,
  hidden: [4, 3],
  outputs: 3,
  experts: 2,
  trends: 1,
  rateColumn: 0,
  noiseColumn: 2,
}
const BATCH = 2
const LEVELS = [0.1, 0.5, 0.9]
const OPTIONS = { shape: SHAPE, batch: BATCH, levels: LEVELS, clipNorm: 1e9 }

/** Windows [item][step][feature] of a batch; feature 0 and the last of feature 2 are what the experts read. */
function drawWindows(): number[][][] {
  const random = seededRandom(SEED)
  return Array.from({ length: BATCH }, () =>
    Array.from({ length: SHAPE.lookback }, () =>
      Array.from({ length: SHAPE.features }, () => Math.fround(random.next() * 2 - 1)),
    ),
  )
}

function lagsOf(window: number[][]): number[] {
  return [...window.map((row) => row[SHAPE.rateColumn] ?? 0), window.at(-1)?.[SHAPE.noiseColumn] ?? 0]
}

function batchOf(windows: number[][][]): Batch {
  const steps = Array.from({ length: SHAPE.lookback }, (_, step) =>
    windows.map((window) => window[step] ?? []),
  )
  return {
    x: Float32Array.from(steps.flat(2)),
    lags: Float32Array.from(windows.flatMap(lagsOf)),
    y: Float32Array.of(0.9, 0.9, 0.9, -0.7, -0.7, -0.7),
    weight: Float32Array.of(1, 1, 1, 1, 1, 0),
  }
}

/** Mean pinball loss of the plain-TypeScript network. */
function lossSlow(parameters: readonly Parameter[], windows: number[][][], batch: Batch): number {
  let loss = 0
  let count = 0
  windows.forEach((window, item) => {
    const answer = answerSlow(SHAPE, parameters, window, lagsOf(window))
    answer.forEach((value, output) => {
      const at = item * SHAPE.outputs + output
      const miss = (batch.y[at] ?? 0) - value
      const level = LEVELS[output] ?? 0.5
      const weight = batch.weight[at] ?? 0
      loss += weight * Math.max(level * miss, (level - 1) * miss)
      count += weight
    })
  })
  return loss / count
}

describe(`the training graph (seed ${SEED})`, () => {
  const windows = drawWindows()
  const batch = batchOf(windows)
  // gates away from their symmetric start, so that no gradient is small by chance
  const random = seededRandom(SEED + 1)
  const parameters = initialParameters(SHAPE, random).map((parameter) => ({
    ...parameter,
    values: parameter.values.map((value) => value + random.next() - 0.5),
  }))
  let outputs: InferenceSession.OnnxValueMapType

  beforeAll(async () => {
    const session = await InferenceSession.create(trainingGraph(OPTIONS, true), { intraOpNumThreads: 1 })
    const feeds: Record<string, Tensor> = {
      x: new Tensor('float32', batch.x, [SHAPE.lookback * BATCH, SHAPE.features]),
      lags: new Tensor('float32', batch.lags, [BATCH, SHAPE.lookback + 1]),
      y: new Tensor('float32', batch.y, [BATCH, SHAPE.outputs]),
      weight: new Tensor('float32', batch.weight, [BATCH, SHAPE.outputs]),
      rate: new Tensor('float32', Float32Array.of(0), [1]),
    }
    for (const { name, dims, values } of parameters) {
      feeds[name] = new Tensor('float32', values, [...dims])
      for (const moment of ['m', 'v'])
        feeds[`${moment}.${name}`] = new Tensor('float32', new Float32Array(values.length), [...dims])
    }
    outputs = await session.run(feeds)
    await session.release()
  })

  it('computes the loss of the plain network', () => {
    expect(Number(outputs.loss?.data[0])).toBeCloseTo(lossSlow(parameters, windows, batch), 5)
  })

  it.each(parameters.map(({ name }) => name))(
    'has the gradient of %s that finite differences show',
    (name) => {
      const gradient = outputs[`grad.${name}`]?.data as Float32Array
      const at = parameters.findIndex((parameter) => parameter.name === name)
      const moved = (index: number, by: number) =>
        parameters.map((parameter, position) =>
          position === at
            ? { ...parameter, values: parameter.values.map((value, i) => (i === index ? value + by : value)) }
            : parameter,
        )
      const step = 1 / 256
      for (const [index, value] of gradient.entries()) {
        const slope =
          (lossSlow(moved(index, step), windows, batch) - lossSlow(moved(index, -step), windows, batch)) /
          (2 * step)
        expect(Math.abs(value - slope)).toBeLessThan(1e-4 + 2e-3 * Math.abs(slope))
      }
    },
  )

  it('leaves parameters as they are at rate 0', () => {
    for (const { name, values } of parameters) expect(outputs[`next.${name}`]?.data).toEqual(values)
  })

  it('learns a batch by heart', async () => {
    const trainer = await Trainer.create(OPTIONS, parameters)
    const first = await trainer.step(batch, 0.02)
    let last = first
    for (let step = 0; step < 150; step++) last = await trainer.step(batch, 0.02)
    await trainer.release()
    expect(last.loss).toBeLessThan(first.loss / 10)
  })

  it.each(['fp32', 'int8'] as const)(
    'exports a model that answers as the plain network does, %s',
    async (form) => {
      const session = await InferenceSession.create(exportModel(SHAPE, parameters, form), {
        extra: { session: { disable_quant_qdq: '1' } },
        intraOpNumThreads: 1,
      })
      const input = new Tensor('float32', Float32Array.from(windows.flat(2)), [
        BATCH,
        SHAPE.lookback,
        SHAPE.features,
      ])
      const answers = (await session.run({ [INPUT_NAME]: input }))[OUTPUT_NAME]?.data as Float32Array
      await session.release()
      windows.forEach((window, item) => {
        const slow = answerSlow(SHAPE, parameters, window, lagsOf(window))
        slow.forEach((value, output) => {
          const tolerance = form === 'fp32' ? 1e-5 : 0.02
          expect(Math.abs((answers[item * SHAPE.outputs + output] ?? 0) - value)).toBeLessThan(tolerance)
        })
      })
    },
  )
})
