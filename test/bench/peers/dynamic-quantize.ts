import { exportWith, quantiseRows } from '../../../central/train/export.ts'
import { type NetworkShape, type Parameter, parameterNamed } from '../../../central/train/network.ts'
import { MS_DOMAIN, type OnnxGraph } from '../../../central/train/onnx-writer.ts'

/**
 * The forecaster with onnxruntime's DynamicQuantizeLSTM: int8 arithmetic, inputs quantised as they come. Its weights are
 * W [1, in, 4H] and R [1, H, 4H], with one scale a gate row.
 */
export function dynamicQuantizeForm(shape: NetworkShape, parameters: readonly Parameter[]): Uint8Array {
  return exportWith(shape, parameters, (graph, layer, units, sequence) => {
    const [w, r] = ['W', 'R'].map((kind) => matrix(graph, parameterNamed(parameters, `${kind}${layer}`)))
    const bias = new Float32Array(8 * units)
    bias.set(parameterNamed(parameters, `B${layer}`).values)
    const outputs = [`all${layer}`, `last${layer}`]
    graph.node(
      'DynamicQuantizeLSTM',
      [
        ...[sequence, w?.values ?? '', r?.values ?? '', graph.floats(`B${layer}`, [1, bias.length], bias)],
        ...['', '', '', ''],
        ...[w?.scale ?? '', w?.zero ?? '', r?.scale ?? '', r?.zero ?? ''],
      ],
      outputs,
      { hidden_size: units },
      MS_DOMAIN,
    )
    return outputs
  })
}

function matrix(graph: OnnxGraph, { name, dims, values }: Parameter) {
  const [rows = 1, columns = 1] = dims
  const { quantised, scales } = quantiseRows(values, rows)
  const turned = quantised.map((_, at) => quantised[(at % rows) * columns + Math.floor(at / rows)] ?? 0)
  return {
    values: graph.int8s(`${name}.int8`, [1, columns, rows], turned),
    scale: graph.floats(`${name}.scale`, [1, rows], scales),
    zero: graph.int8s(`${name}.zero`, [1, rows], new Int8Array(rows)),
  }
}
