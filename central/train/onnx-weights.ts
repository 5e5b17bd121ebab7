import { AtlasError } from '../../contract/errors.ts'
import { fieldsOf } from '../../contract/model/protobuf-fields.ts'
import { type NetworkShape, type Parameter, parameterShapes } from './network.ts'

/** Fields of ModelProto, GraphProto and TensorProto (onnx.proto3) that are read here. */
const GRAPH = 7
const INITIALISER = 5
const NAME = 8
const RAW_DATA = 9

/**
 * The parameters of an exported forecaster, to train on from: those of an fp32 form as they were, the layers' weights of an
 * int8 form as scale × int8, which is within half a step of int8 of what was trained.
 * @throws AtlasError `model/unreadable` when it is no ONNX file, `model/shape` when a parameter is missing or of another size
 */
export function readWeights(model: Uint8Array, shape: NetworkShape): Parameter[] {
  const tensors = initialisersOf(model)
  return parameterShapes(shape).map(({ name, dims }) => {
    const size = dims.reduce((product, dim) => product * dim, 1)
    const whole = floats(tensors.get(name)) ?? dequantised(tensors, name)
    // the export keeps each layer's one bias in the first half of the operator's two
    const values = name.startsWith('B') ? whole?.slice(0, size) : whole
    if (values?.length === size) return { name, dims, values }
    throw new AtlasError(
      'model/shape',
      `the model's ${name} must hold ${size} numbers [${dims.join(', ')}], but holds ${values?.length ?? 'none'}`,
    )
  })
}

function dequantised(tensors: ReadonlyMap<string, Uint8Array>, name: string): Float32Array | null {
  const raw = tensors.get(`${name}.int8`)
  const scales = floats(tensors.get(`${name}.scale`))
  if (raw === undefined || scales === null) return null
  const columns = raw.length / scales.length
  return Float32Array.from(
    new Int8Array(raw.buffer, raw.byteOffset, raw.length),
    (value, at) => value * (scales[Math.floor(at / columns)] ?? Number.NaN),
  )
}

function floats(raw: Uint8Array | undefined): Float32Array | null {
  return raw === undefined || raw.length % 4 !== 0 ? null : new Float32Array(raw.slice().buffer)
}

/** Raw bytes of the graph's initialisers by name. */
function initialisersOf(model: Uint8Array): Map<string, Uint8Array> {
  const tensors = new Map<string, Uint8Array>()
  for (const graph of parts(model, GRAPH)) {
    for (const tensor of parts(graph, INITIALISER)) {
      const [name] = parts(tensor, NAME)
      const [raw] = parts(tensor, RAW_DATA)
      if (name !== undefined && raw !== undefined) tensors.set(new TextDecoder().decode(name), raw)
    }
  }
  return tensors
}

function parts(message: Uint8Array, wanted: number): Uint8Array[] {
  return [...fieldsOf(message)].flatMap(({ field, bytes }) =>
    field === wanted && bytes !== null ? [bytes] : [],
  )
}
