import { FORECAST_FEATURES, OUTPUT_SIZE } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import type { Random } from '../../contract/ports.ts'

/**
 * The forecaster's form: stacked LSTM layers (Hochreiter, Schmidhuber 1997; gates in ONNX order i, o, f, c) over the
 * window, and beside them a linear path from the window's request rates straight to the heads (the autoregressive
 * "highway" of LSTNet: Lai, Chang, Yang, Liu 2018), which carries what a ridge on lags can say.
 */
export interface NetworkShape {
  readonly features: number
  readonly lookback: number
  /** Units of each LSTM layer, the first nearest to the input. */
  readonly hidden: readonly number[]
  readonly outputs: number
}

export const FORECASTER_SHAPE: NetworkShape = {
  features: FORECAST_FEATURES.length,
  lookback: LOOKBACK,
  hidden: [128, 128],
  outputs: OUTPUT_SIZE,
}

export interface Parameter {
  readonly name: string
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** Names and shapes of all parameters: per layer W [4H, in], R [4H, H], B [4H]; heads V [H, out], lags A [lookback, out], bias [out]. */
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
    { name: 'A', dims: [shape.lookback, shape.outputs] },
    { name: 'bias', dims: [shape.outputs] },
  ]
}

/**
 * Parameters to start from: uniform ±1/√H in the layers, forget gates opened by a bias of 1 (Gers, Schmidhuber,
 * Cummins 2000), small heads, and lags that begin as a mean of the last 15 steps.
 */
export function initialParameters(shape: NetworkShape, random: Random): Parameter[] {
  return parameterShapes(shape).map(({ name, dims }) => {
    const values = new Float32Array(dims.reduce((size, dim) => size * dim, 1))
    const kind = name[0]
    if (kind === 'W' || kind === 'R' || kind === 'V') {
      const units = shape.hidden[Number(name[1] ?? 0)] ?? shape.hidden.at(-1) ?? 1
      const bound = (kind === 'V' ? 0.1 : 1) / Math.sqrt(units)
      for (let index = 0; index < values.length; index++) values[index] = (random.next() * 2 - 1) * bound
    } else if (kind === 'B') {
      const units = values.length / 4
      values.fill(1, 2 * units, 3 * units)
    } else if (kind === 'A') {
      const recent = Math.min(15, shape.lookback)
      values.fill(1 / recent, (shape.lookback - recent) * shape.outputs)
    }
    return { name, dims, values }
  })
}

/** @throws RangeError when there is no such parameter */
export function parameterNamed(parameters: readonly Parameter[], name: string): Parameter {
  const found = parameters.find((parameter) => parameter.name === name)
  if (found === undefined) throw new RangeError(`no parameter ${name}`)
  return found
}
