import { FORECAST_FEATURES, OUTPUT_SIZE } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import type { Random } from '../../contract/ports.ts'

/**
 * The forecaster's form: stacked LSTM layers (Hochreiter, Schmidhuber 1997; gates in ONNX order i, o, f, c) over the
 * window, and beside them a few linear experts from the window's rates and its noise straight to the heads (the
 * autoregressive "highway" of LSTNet: Lai, Chang, Yang, Liu 2018). The last hidden state h weighs the experts (Jacobs,
 * Jordan, Nowlan, Hinton 1991), so that a noisy series is averaged and a smooth one followed:
 * answer = Σ_k softmax(h G + gate)_k · (lags A_k) + h V + bias.
 */
export interface NetworkShape {
  readonly features: number
  readonly lookback: number
  /** Units of each LSTM layer, the first nearest to the input. */
  readonly hidden: readonly number[]
  readonly outputs: number
  /** Linear experts. They read one column of all steps (the rate), and one of the last step (its noise). */
  readonly experts: number
  readonly rateColumn: number
  readonly noiseColumn: number
}

export const FORECASTER_SHAPE: NetworkShape = {
  features: FORECAST_FEATURES.length,
  lookback: LOOKBACK,
  hidden: [128, 128],
  outputs: OUTPUT_SIZE,
  experts: 6,
  rateColumn: FORECAST_FEATURES.indexOf('rps'),
  noiseColumn: FORECAST_FEATURES.indexOf('rpsNoise'),
}

export interface Parameter {
  readonly name: string
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** Names and shapes of all parameters: per layer W [4H, in], R [4H, H], B [4H]; heads V [H, out], experts A [lookback + 1, experts · out], gate G [H, experts] and [experts], bias [out]. */
export function parameterShapes(shape: NetworkShape): { name: string; dims: number[] }[] {
  const layers = shape.hidden.flatMap((units, layer) => {
    const inputs = layer === 0 ? shape.features : (shape.hidden[layer - 1] ?? 0)
    return [
      { name: `W${layer}`, dims: [4 * units, inputs] },
      { name: `R${layer}`, dims: [4 * units, units] },
      { name: `B${layer}`, dims: [4 * units] },
    ]
  })
  return [
    ...layers,
    { name: 'V', dims: [shape.hidden.at(-1) ?? 0, shape.outputs] },
    { name: 'A', dims: [shape.lookback + 1, shape.experts * shape.outputs] },
    { name: 'G', dims: [shape.hidden.at(-1) ?? 0, shape.experts] },
    { name: 'gate', dims: [shape.experts] },
    { name: 'bias', dims: [shape.outputs] },
  ]
}

/**
 * Parameters to start from: uniform ±1/√H in the layers, forget gates opened by a bias of 1 (Gers, Schmidhuber,
 * Cummins 2000), small heads and gate, and experts that begin as exponential means of the rates, from the last
 * step alone to all of them.
 */
export function initialParameters(shape: NetworkShape, random: Random): Parameter[] {
  return parameterShapes(shape).map(({ name, dims }) => {
    const values = new Float32Array(dims.reduce((size, dim) => size * dim, 1))
    const kind = name[0]
    if (kind === 'W' || kind === 'R' || kind === 'V' || kind === 'G') {
      const units = shape.hidden[Number(name[1] ?? 0)] ?? shape.hidden.at(-1) ?? 1
      const bound = (kind === 'V' || kind === 'G' ? 0.1 : 1) / Math.sqrt(units)
      for (let index = 0; index < values.length; index++) values[index] = (random.next() * 2 - 1) * bound
    } else if (kind === 'B') {
      const units = values.length / 4
      values.fill(1, 2 * units, 3 * units)
    } else if (kind === 'A') {
      values.set(exponentialMeans(shape))
    }
    return { name, dims, values }
  })
}

/** Expert k begins as a mean whose weights fall by 1/e each 0.5 · 3^k steps, the same for every output. */
function exponentialMeans({ lookback, experts, outputs }: NetworkShape): Float32Array {
  const values = new Float32Array((lookback + 1) * experts * outputs)
  for (let expert = 0; expert < experts; expert++) {
    const weights = Array.from({ length: lookback }, (_, lag) =>
      Math.exp((lag + 1 - lookback) / (0.5 * 3 ** expert)),
    )
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    weights.forEach((weight, lag) => {
      const at = (lag * experts + expert) * outputs
      values.fill(weight / total, at, at + outputs)
    })
  }
  return values
}

/** @throws RangeError when there is no such parameter */
export function parameterNamed(parameters: readonly Parameter[], name: string): Parameter {
  const found = parameters.find((parameter) => parameter.name === name)
  if (found === undefined) throw new RangeError(`no parameter ${name}`)
  return found
}
