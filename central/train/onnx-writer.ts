/**
 * A small writer of ONNX models (protobuf, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3): float32, int64 and
 * int8 initialisers, nodes with integer, float and string attributes and lists of them. Field numbers are those of the schema.
 */
export type Dimension = number | string
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }

/** Domain of the classical machine-learning operators (tree ensembles). */
export const ML_DOMAIN = 'ai.onnx.ml'
/** Domain of onnxruntime's own operators. */
export const MS_DOMAIN = 'com.microsoft'
const DOMAIN_OPSET: Readonly<Record<string, number>> = { [ML_DOMAIN]: 3, [MS_DOMAIN]: 1 }

type ElementType = 'float32' | 'int8' | 'int64'
const ELEMENT_CODE: Record<ElementType, number> = { float32: 1, int8: 3, int64: 7 }
const OPSET = 17
const IR_VERSION = 8

export class OnnxGraph {
  readonly #name: string
  readonly #nodes: Uint8Array[] = []
  readonly #initialisers: Uint8Array[] = []
  readonly #inputs: Uint8Array[] = []
  readonly #outputs: Uint8Array[] = []
  #fresh = 0
  readonly #domains = new Set<string>()

  constructor(name: string) {
    this.#name = name
  }

  /** Adds a node of one output and returns the output's name. */
  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.ops(type, inputs, 1, attributes)[0] ?? ''
  }

  /** Adds a node of several outputs and returns their names. */
  ops(
    type: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const names = Array.from({ length: outputs }, () => `t${this.#fresh++}`)
    this.node(type, inputs, names, attributes)
    return names
  }

  /** Adds a node whose outputs have given names; an empty name leaves an output or input out. */
  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): void {
    if (domain !== '') this.#domains.add(domain)
    this.#nodes.push(
      message([
        ...inputs.map((name) => text(1, name)),
        ...outputs.map((name) => text(2, name)),
        text(4, type),
        ...(domain === '' ? [] : [text(7, domain)]),
        ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
      ]),
    )
  }

  floats(name: string, dims: readonly number[], values: Float32Array): string {
    return this.#initialiser(name, 'float32', dims, values)
  }

  int8s(name: string, dims: readonly number[], values: Int8Array): string {
    return this.#initialiser(name, 'int8', dims, values)
  }

  ints(name: string, values: readonly number[]): string {
    return this.#initialiser(name, 'int64', [values.length], BigInt64Array.from(values, BigInt))
  }

  /** A constant number, shape [1]. */
  constant(value: number): string {
    return this.floats(`c${this.#fresh++}`, [1], Float32Array.of(value))
  }

  input(name: string, dims: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, dims))
    return name
  }

  output(name: string, dims: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(name, dims))
  }

  /** The whole model as the bytes of an .onnx file. */
  toBytes(): Uint8Array {
    const graph = message([
      ...this.#nodes.map((node) => bytes(1, node)),
      text(2, this.#name),
      ...this.#initialisers.map((tensor) => bytes(5, tensor)),
      ...this.#inputs.map((info) => bytes(11, info)),
      ...this.#outputs.map((info) => bytes(12, info)),
    ])
    return message([
      integer(1, IR_VERSION),
      text(2, 'atlas'),
      bytes(7, graph),
      bytes(8, message([text(1, ''), integer(2, OPSET)])),
      ...[...this.#domains].map((domain) =>
        bytes(8, message([text(1, domain), integer(2, DOMAIN_OPSET[domain] ?? 1)])),
      ),
    ])
  }

  #initialiser(name: string, type: ElementType, dims: readonly number[], values: ArrayBufferView): string {
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    this.#initialisers.push(
      message([
        ...dims.map((dim) => integer(1, dim)),
        integer(2, ELEMENT_CODE[type]),
        text(8, name),
        bytes(9, raw),
      ]),
    )
    return name
  }
}

function valueInfo(name: string, dims: readonly Dimension[]): Uint8Array {
  const shape = message(dims.map((dim) => bytes(1, typeof dim === 'number' ? integer(1, dim) : text(2, dim))))
  const tensor = message([integer(1, ELEMENT_CODE.float32), bytes(2, shape)])
  return message([text(1, name), bytes(2, bytes(1, tensor))])
}

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return message([text(1, name), integer(3, value), integer(20, 2)])
  if (typeof value === 'string') return message([text(1, name), text(4, value), integer(20, 3)])
  if ('float' in value) return message([text(1, name), float(2, value.float), integer(20, 1)])
  if ('floats' in value)
    return message([text(1, name), ...value.floats.map((item) => float(7, item)), integer(20, 6)])
  if ('strings' in value)
    return message([text(1, name), ...value.strings.map((item) => text(9, item)), integer(20, 8)])
  return message([text(1, name), ...value.map((item) => integer(8, item)), integer(20, 7)])
}

function message(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return message([varint(field * 8 + 2), varint(value.length), value])
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value))
}

function integer(field: number, value: number): Uint8Array {
  return message([varint(field * 8), varint(value)])
}

function float(field: number, value: number): Uint8Array {
  return message([varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)])
}

/** Base 128, low groups first; a negative number as its 64-bit two's complement. */
function varint(value: number): Uint8Array {
  const groups: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest >= 128n) {
    groups.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  groups.push(Number(rest))
  return Uint8Array.from(groups)
}
