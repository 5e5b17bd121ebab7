import module from '#core-module'
import { Arena } from './arena.ts'

/** What the compiled core exports; assembly/ says what each does and how its memory is laid out. Pointers are bytes. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory
  readonly SKETCH_BYTES: WebAssembly.Global
  readonly SKETCH_ENCODED_MAX: WebAssembly.Global
  readonly SKETCH_COUNT_MAX: WebAssembly.Global
  readonly CELL_BYTES: WebAssembly.Global
  readonly CELLS: WebAssembly.Global
  readonly CALLS_BYTES: WebAssembly.Global
  readonly DECISION_BYTES: WebAssembly.Global
  heapBase(): number
  sketchAdd(sketch: number, ms: number): void
  sketchMerge(target: number, source: number): number
  sketchBin(sketch: number, q: number): number
  sketchEncode(sketch: number, out: number): number
  sketchDecode(source: number, length: number, sketch: number): number
  cellMerge(target: number, source: number): number
  tapOldest(ring: number, count: number): number
  tapTake(ring: number, capacity: number, count: number, upTo: number, table: number, calls: number): number
  forestPath(trees: number, count: number, depth: number, point: number): number
  forestExplain(
    trees: number,
    count: number,
    depth: number,
    point: number,
    weight: number,
    visits: number,
  ): void
  decisionRun(box: number): void
}

/**
 * One instance of the compiled core: 4 MiB of memory that never grows, so that views over it stay attached.
 * Parts made on one core share its memory; give each owner (an isolate, a PoP object) a core of its own.
 */
export interface Core {
  readonly exports: CoreExports
  readonly buffer: ArrayBuffer
  readonly arena: Arena
  /** The decision's struct. */
  readonly decision: { readonly pointer: number; readonly f64: Float64Array; readonly u32: Uint32Array }
  /** Where an encoded sketch is written or read, and a sketch to decode into. */
  readonly scratch: { readonly encoded: number; readonly bytes: Uint8Array; readonly sketch: number }
}

/** A fresh instance of the core, in about 0.1 ms; the same binary in Node and in workerd. */
export function loadCore(): Core {
  const exports = new WebAssembly.Instance(module, {}).exports as unknown as CoreExports
  const buffer = exports.memory.buffer as ArrayBuffer
  const arena = new Arena(exports.heapBase(), buffer.byteLength)
  const decisionBytes = size(exports.DECISION_BYTES)
  const decision = arena.take(decisionBytes)
  const encodedBytes = size(exports.SKETCH_ENCODED_MAX)
  const encoded = arena.take(encodedBytes)
  return {
    exports,
    buffer,
    arena,
    decision: {
      pointer: decision,
      f64: new Float64Array(buffer, decision, decisionBytes / 8),
      u32: new Uint32Array(buffer, decision, decisionBytes / 4),
    },
    scratch: {
      encoded,
      bytes: new Uint8Array(buffer, encoded, encodedBytes),
      sketch: arena.take(size(exports.SKETCH_BYTES)),
    },
  }
}

/** Value of one of the core's size constants. */
export function size(constant: WebAssembly.Global): number {
  return Number(constant.value)
}
