import { mixExperts } from './expert-mixture.ts'
import { type NetworkShape, type Parameter, parameterNamed } from './network.ts'
import { OnnxGraph } from './onnx-writer.ts'

/** Names of the forecaster's input [n, lookback, features] and output [n, outputs]. */
export const INPUT_NAME = 'window'
export const OUTPUT_NAME = 'quantiles'

export type ExportForm = 'fp32' | 'int8'

/**
 * The forecaster as an inference model of standard ONNX LSTM operators. In the int8 form the layers' weights are int8
 * with one scale a gate row, dequantised into the LSTM operator (the session folds that once when it loads); heads,
 * experts, gate and biases stay fp32.
 */
export function exportModel(
  shape: NetworkShape,
  parameters: readonly Parameter[],
  form: ExportForm,
): Uint8Array {
  return exportWith(shape, parameters, (graph, layer, units, sequence) =>
    graph.ops('LSTM', [sequence, ...layerWeights(graph, parameters, layer, form)], 2, { hidden_size: units }),
  )
}

/** Writes one LSTM layer over a sequence [steps, n, in]; names its outputs [steps, 1, n, H] and, of the last step, [1, n, H]. */
export type LayerWriter = (
  graph: OnnxGraph,
  layer: number,
  units: number,
  sequence: string,
) => readonly string[]

/** The forecaster with its LSTM layers written in a form of the caller's own. */
export function exportWith(
  shape: NetworkShape,
  parameters: readonly Parameter[],
  writeLayer: LayerWriter,
): Uint8Array {
  const graph = new OnnxGraph('atlas-forecaster')
  graph.input(INPUT_NAME, ['n', shape.lookback, shape.features])
  let sequence = graph.op('Transpose', [INPUT_NAME], { perm: [1, 0, 2] })
  const axis1 = graph.ints('axis1', [1])
  let last = ''
  for (const [layer, units] of shape.hidden.entries()) {
    const [all = '', final = ''] = writeLayer(graph, layer, units, sequence)
    sequence = graph.op('Squeeze', [all, axis1])
    last = final
  }
  const hidden = graph.op('Squeeze', [last, graph.ints('axis0', [0])])
  const column = (index: number, name: string) =>
    graph.op('Squeeze', [
      graph.op('Gather', [INPUT_NAME, graph.ints(name, [index])], { axis: 2 }),
      graph.ints(`${name}Axis`, [2]),
    ])
  const noise = graph.op(
    'Gather',
    [column(shape.noiseColumn, 'noise'), graph.ints('lastStep', [shape.lookback - 1])],
    {
      axis: 1,
    },
  )
  const lags = graph.op('Concat', [column(shape.rateColumn, 'rate'), noise], { axis: 1 })
  const dense = (name: string) => {
    const { dims, values } = parameterNamed(parameters, name)
    return graph.floats(name, dims, values)
  }
  for (const name of ['A', 'G', 'gate']) dense(name)
  const heads = graph.op('Add', [
    graph.op('MatMul', [hidden, dense('V')]),
    mixExperts(graph, shape, hidden, lags).mixed,
  ])
  graph.node('Add', [heads, dense('bias')], [OUTPUT_NAME])
  graph.output(OUTPUT_NAME, ['n', shape.outputs])
  return graph.toBytes()
}

/** W [1, 4H, in], R [1, 4H, H] and B [1, 8H] of one layer: the training graph's single bias goes to the input's half. */
function layerWeights(
  graph: OnnxGraph,
  parameters: readonly Parameter[],
  layer: number,
  form: ExportForm,
): string[] {
  const matrices = ['W', 'R'].map((kind) => {
    const { name, dims, values } = parameterNamed(parameters, `${kind}${layer}`)
    if (form === 'fp32') return graph.floats(name, [1, ...dims], values)
    const { quantised, scales } = quantiseRows(values, dims[0] ?? 1)
    return graph.op(
      'DequantizeLinear',
      [
        graph.int8s(`${name}.int8`, [1, ...dims], quantised),
        graph.floats(`${name}.scale`, [scales.length], scales),
        graph.int8s(`${name}.zero`, [scales.length], new Int8Array(scales.length)),
      ],
      { axis: 1 },
    )
  })
  const bias = parameterNamed(parameters, `B${layer}`).values
  const both = new Float32Array(bias.length * 2)
  both.set(bias)
  return [...matrices, graph.floats(`B${layer}`, [1, both.length], both)]
}

/** Symmetric int8: each row divided by its own largest magnitude / 127. */
export function quantiseRows(
  values: Float32Array,
  rows: number,
): { quantised: Int8Array; scales: Float32Array } {
  const columns = values.length / rows
  const quantised = new Int8Array(values.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const part = values.subarray(row * columns, (row + 1) * columns)
    const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const scale = Math.fround(largest === 0 ? 1 : largest / 127)
    scales[row] = scale
    for (let column = 0; column < columns; column++)
      quantised[row * columns + column] = Math.round((part[column] ?? 0) / scale)
  }
  return { quantised, scales }
}
