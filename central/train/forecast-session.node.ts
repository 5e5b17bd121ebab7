import { InferenceSession, Tensor } from 'onnxruntime-node'
import { OUTPUT_SIZE, WINDOW_SIZE } from '../../contract/model/forecast-window.ts'
import { INPUT_NAME, OUTPUT_NAME } from './export.ts'
import { FORECASTER_SHAPE } from './network.ts'

const BATCH = 256

/** A forecaster in onnxruntime-node, on one thread: what training measures with. */
export class ForecastSession {
  readonly #session: InferenceSession

  private constructor(session: InferenceSession) {
    this.#session = session
  }

  static async open(model: Uint8Array): Promise<ForecastSession> {
    const session = await InferenceSession.create(model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      extra: { session: { disable_quant_qdq: '1' } },
    })
    return new ForecastSession(session)
  }

  /** The answers to windows, OUTPUT_SIZE numbers each, in order. */
  async run(windows: readonly Float32Array[]): Promise<Float32Array> {
    const { lookback, features } = FORECASTER_SHAPE
    const answers = new Float32Array(windows.length * OUTPUT_SIZE)
    for (let from = 0; from < windows.length; from += BATCH) {
      const part = windows.slice(from, from + BATCH)
      const input = new Float32Array(part.length * WINDOW_SIZE)
      part.forEach((window, index) => {
        input.set(window, index * WINDOW_SIZE)
      })
      const tensor = new Tensor('float32', input, [part.length, lookback, features])
      const output = (await this.#session.run({ [INPUT_NAME]: tensor }))[OUTPUT_NAME]
      answers.set(output?.data as Float32Array, from * OUTPUT_SIZE)
    }
    return answers
  }

  async release(): Promise<void> {
    await this.#session.release()
  }
}
