import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Parameter } from './network.ts'
import { type TrainingOptions, trainingGraph } from './training-graph.ts'

/** One batch, in the layout of the training graph. */
export interface Batch {
  readonly x: Float32Array
  readonly lags: Float32Array
  readonly y: Float32Array
  readonly weight: Float32Array
}

export interface StepResult {
  readonly loss: number
  readonly norm: number
}

/**
 * Runs the training graph step by step and holds the parameters and Adam's moments between steps. One thread, so the
 * same batches give the same parameters, bit for bit, on the same machine.
 */
export class Trainer {
  readonly #session: InferenceSession
  readonly #options: TrainingOptions
  #state: Record<string, Tensor> = {}
  #step = 0

  private constructor(session: InferenceSession, options: TrainingOptions, parameters: readonly Parameter[]) {
    this.#session = session
    this.#options = options
    for (const { name, dims, values } of parameters) {
      this.#state[name] = new Tensor('float32', values.slice(), [...dims])
      for (const moment of ['m', 'v'])
        this.#state[`${moment}.${name}`] = new Tensor('float32', new Float32Array(values.length), [...dims])
    }
  }

  static async create(options: TrainingOptions, parameters: readonly Parameter[]): Promise<Trainer> {
    const session = await InferenceSession.create(trainingGraph(options), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    })
    return new Trainer(session, options, parameters)
  }

  /** One step of Adam on a batch, at a learning rate. */
  async step(batch: Batch, rate: number): Promise<StepResult> {
    const { shape, batch: size } = this.#options
    this.#step++
    const corrected = (rate * Math.sqrt(1 - 0.999 ** this.#step)) / (1 - 0.9 ** this.#step)
    const outputs = await this.#session.run({
      ...this.#state,
      x: new Tensor('float32', batch.x, [shape.lookback * size, shape.features]),
      lags: new Tensor('float32', batch.lags, [size, shape.lookback + 1]),
      y: new Tensor('float32', batch.y, [size, shape.outputs]),
      weight: new Tensor('float32', batch.weight, [size, shape.outputs]),
      rate: new Tensor('float32', Float32Array.of(corrected), [1]),
    })
    const next: Record<string, Tensor> = {}
    for (const name of Object.keys(this.#state)) next[name] = outputs[`next.${name}`] as Tensor
    this.#state = next
    return { loss: scalar(outputs.loss), norm: scalar(outputs.norm) }
  }

  /** The parameters as they stand. */
  parameters(): Parameter[] {
    return Object.entries(this.#state)
      .filter(([name]) => !name.includes('.'))
      .map(([name, tensor]) => ({
        name,
        dims: tensor.dims,
        values: Float32Array.from(tensor.data as Float32Array),
      }))
  }

  async release(): Promise<void> {
    await this.#session.release()
  }
}

function scalar(tensor: Tensor | undefined): number {
  return Number(tensor?.data[0])
}
