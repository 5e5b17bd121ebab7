import { exportModel, INPUT_NAME, OUTPUT_NAME } from '../../central/train/export.ts'
import { FORECASTER_SHAPE, initialParameters } from '../../central/train/network.ts'
import { OnnxGraph } from '../../central/train/onnx-writer.ts'
import { seededRandom } from '../../contract/ports.ts'
import { type ModelUpload, shippedModel, sound, withModel } from './challenger.ts'

/** A sound model of the right shapes that takes some nine times the arithmetic of the shipped one. */
export async function slowModel(name: string): Promise<ModelUpload> {
  const shape = { ...FORECASTER_SHAPE, hidden: [384, 384] }
  const model = exportModel(shape, initialParameters(shape, seededRandom(11)), 'int8')
  return sound(withModel(shippedModel(name), new Uint8Array(model)))
}

/** A model of the right shapes whose arithmetic does not end in any time that matters: a chain of large products. */
export function endlessModel(name: string): ModelUpload {
  const graph = new OnnxGraph('endless')
  graph.input(INPUT_NAME, ['n', FORECASTER_SHAPE.lookback, FORECASTER_SHAPE.features])
  const first = graph.op('ReduceMean', [INPUT_NAME], { axes: [0, 1, 2], keepdims: 0 })
  const wide = graph.op('Expand', [
    graph.op('Reshape', [first, graph.ints('one', [1, 1])]),
    graph.ints('wide', [4096, 4096]),
  ])
  let product = wide
  for (let step = 0; step < 64; step++) product = graph.op('MatMul', [product, wide])
  const mean = graph.op('ReduceMean', [product], { keepdims: 1 })
  graph.node('Expand', [mean, graph.ints('out', [1, FORECASTER_SHAPE.outputs])], [OUTPUT_NAME])
  graph.output(OUTPUT_NAME, ['n', FORECASTER_SHAPE.outputs])
  return withModel(shippedModel(name), new Uint8Array(graph.toBytes()))
}

/** A sound file of another input: ten steps more than PoPs send. */
export function otherShape(name: string): ModelUpload {
  const shape = { ...FORECASTER_SHAPE, lookback: FORECASTER_SHAPE.lookback + 10 }
  const model = exportModel(shape, initialParameters(shape, seededRandom(12)), 'int8')
  return withModel(shippedModel(name), new Uint8Array(model))
}

/** The shipped shape with weights that are no numbers. */
export function nanModel(name: string): ModelUpload {
  const parameters = initialParameters(FORECASTER_SHAPE, seededRandom(13))
  for (const { values } of parameters) values.fill(Number.NaN)
  return withModel(shippedModel(name), new Uint8Array(exportModel(FORECASTER_SHAPE, parameters, 'fp32')))
}
