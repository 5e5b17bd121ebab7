import { type NetworkShape, type Parameter, parameterNamed } from '../../../central/train/network.ts'

type Matrix = readonly (readonly number[])[]

/** The network in plain loops over numbers, straight from its formulas: what the graphs are compared with. */
export function answerSlow(
  shape: NetworkShape,
  parameters: readonly Parameter[],
  window: Matrix,
  lags: readonly number[],
): number[] {
  let sequence: Matrix = window
  for (const layer of shape.hidden.keys()) sequence = runLayer(parameters, layer, sequence)
  const hidden = sequence.at(-1) ?? []
  const gateSums = product(hidden, matrix(parameters, 'G')).map(
    (sum, k) => sum + (values(parameters, 'gate')[k] ?? 0),
  )
  const exponentials = gateSums.map((sum) => Math.exp(sum))
  const total = exponentials.reduce((sum, value) => sum + value, 0)
  const experts = product(lags, matrix(parameters, 'A'))
  const direct = product(hidden, matrix(parameters, 'V'))
  return direct.map((value, output) => {
    const mixed = exponentials.reduce(
      (sum, weight, k) => sum + (weight / total) * (experts[k * shape.outputs + output] ?? 0),
      0,
    )
    return value + mixed + (values(parameters, 'bias')[output] ?? 0)
  })
}

/** One LSTM layer, gates in ONNX order: input, output, forget, candidate. */
function runLayer(parameters: readonly Parameter[], layer: number, sequence: Matrix): Matrix {
  const w = matrix(parameters, `W${layer}`)
  const r = matrix(parameters, `R${layer}`)
  const bias = values(parameters, `B${layer}`)
  const units = bias.length / 4
  let hidden = new Array<number>(units).fill(0)
  let cell = new Array<number>(units).fill(0)
  return sequence.map((input) => {
    const sum = (row: number) => dot(w[row] ?? [], input) + dot(r[row] ?? [], hidden) + (bias[row] ?? 0)
    const next = cell.map((before, unit) => {
      const inputGate = sigmoid(sum(unit))
      const forget = sigmoid(sum(2 * units + unit))
      return forget * before + inputGate * Math.tanh(sum(3 * units + unit))
    })
    const shown = next.map((value, unit) => sigmoid(sum(units + unit)) * Math.tanh(value))
    cell = next
    hidden = shown
    return shown
  })
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0)
}

function product(row: readonly number[], right: Matrix): number[] {
  return (right[0] ?? []).map((_, column) =>
    row.reduce((sum, value, at) => sum + value * (right[at]?.[column] ?? 0), 0),
  )
}

function values(parameters: readonly Parameter[], name: string): number[] {
  return Array.from(parameterNamed(parameters, name).values)
}

function matrix(parameters: readonly Parameter[], name: string): Matrix {
  const { dims, values: all } = parameterNamed(parameters, name)
  const columns = dims[1] ?? 1
  return Array.from({ length: dims[0] ?? 0 }, (_, row) =>
    Array.from(all.subarray(row * columns, (row + 1) * columns)),
  )
}
