import { FORECAST_FEATURES, OUTPUT_SIZE } from '../../contract/model/forecast-window.ts'
import { HORIZONS_MIN, LOOKBACK, QUANTILE_LEVELS } from '../../contract/model/series.ts'
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
  /** Of the experts, the last ones: they begin as trends, the others as means. */
  readonly trends: number
  readonly rateColumn: number
  readonly noiseColumn: number
}

export const FORECASTER_SHAPE: NetworkShape = {
  features: FORECAST_FEATURES.length,
  lookback: LOOKBACK,
  hidden: [128, 128],
  outputs: OUTPUT_SIZE,
  experts: 8,
  trends: 2,
  rateColumn: FORECAST_FEATURES.indexOf('rps'),
  noiseColumn: FORECAST_FEATURES.indexOf('rpsNoise'),
}

/** Steps over which the trends' weights fall by 1/e. */
const TREND_MEMORY = [2, 6]
/** Steps beyond which no trend is drawn out at the beginning, and how shyly the gate takes trends then. */
const MOST_AHEAD = 10
const TREND_GATE = -2

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
 * step alone to all of them, and as their trends, drawn out to the horizon.
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
      values.set(initialExperts(shape))
    } else if (name === 'gate') {
      values.fill(TREND_GATE, shape.experts - shape.trends)
    }
    return { name, dims, values }
  })
}

/**
 * Expert k begins as a mean whose weights fall by 1/e each 0.5 · 3^k steps, the same for every output; the trends, as the
 * straight line of least squares, so weighted, through the rates, drawn out by the output's horizon in minutes (10 at most).
 */
function initialExperts({ lookback, experts, trends, outputs }: NetworkShape): Float32Array {
  const values = new Float32Array((lookback + 1) * experts * outputs)
  for (let expert = 0; expert < experts; expert++) {
    const trend = expert - (experts - trends)
    const memory = trend < 0 ? 0.5 * 3 ** expert : (TREND_MEMORY[trend % TREND_MEMORY.length] ?? 1)
    for (let output = 0; output < outputs; output++) {
      const horizon = HORIZONS_MIN[Math.floor(output / QUANTILE_LEVELS.length)] ?? 0
      const ahead = trend < 0 ? Number.NaN : Math.min(MOST_AHEAD, horizon)
      lagWeights(lookback, memory, ahead).forEach((weight, lag) => {
        values[(lag * experts + expert) * outputs + output] = weight
      })
    }
  }
  return values
}

/** Weights of the lags, the oldest first, in an exponentially weighted mean, or (with `ahead`) in its line's value then. */
function lagWeights(lookback: number, memory: number, ahead: number): number[] {
  const at = Array.from({ length: lookback }, (_, lag) => lag + 1 - lookback)
  const weights = at.map((time) => Math.exp(time / memory))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (Number.isNaN(ahead)) return weights.map((weight) => weight / total)
  const centre = at.reduce((sum, time, lag) => sum + time * (weights[lag] ?? 0), 0) / total
  const spread = at.reduce((sum, time, lag) => sum + (time - centre) ** 2 * (weights[lag] ?? 0), 0) / total
  return weights.map(
    (weight, lag) => (weight / total) * (1 + ((ahead - centre) * ((at[lag] ?? 0) - centre)) / spread),
  )
}

/** @throws RangeError when there is no such parameter */
export function parameterNamed(parameters: readonly Parameter[], name: string): Parameter {
  const found = parameters.find((parameter) => parameter.name === name)
  if (found === undefined) throw new RangeError(`no parameter ${name}`)
  return found
}
