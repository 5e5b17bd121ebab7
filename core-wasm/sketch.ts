import { AtlasError } from '../contract/errors.ts'
import { type Core, size } from './core.ts'

/** Relative error that a quantile has at most. */
export const SKETCH_ALPHA = 0.01
const GAMMA = (1 + SKETCH_ALPHA) / (1 - SKETCH_ALPHA)
const MIN_MS = 0.01

/**
 * Quantile sketch of latencies: DDSketch (Masson, Rim, Lee 2019), alpha = 0.01. Quantiles of values in 0.01 … 10^6 ms
 * are within 1 % of the exact ones; what lies outside counts as the nearer end. Merging is exact: the sketch of a union
 * is the merged sketches. The layout and the encoded form are drawn in assembly/sketch.ts.
 */
export class Sketch {
  readonly #core: Core
  readonly #pointer: number
  readonly #bytes: Uint8Array
  readonly #count: Float64Array

  constructor(core: Core) {
    const bytes = size(core.exports.SKETCH_BYTES)
    this.#core = core
    this.#pointer = core.arena.take(bytes)
    this.#bytes = new Uint8Array(core.buffer, this.#pointer, bytes)
    this.#count = new Float64Array(core.buffer, this.#pointer, 1)
    this.clear()
  }

  get count(): number {
    return this.#count[0] ?? 0
  }

  /** Adds one latency; NaN and negative count as 0. After 2^32 - 1 values further ones are not counted. */
  add(ms: number): void {
    this.#core.exports.sketchAdd(this.#pointer, ms)
  }

  /** @throws AtlasError `message/invalid` when the bytes are not an encoded sketch; the sketch is then unchanged */
  merge(encoded: Uint8Array): void {
    decodeSketch(this.#core, encoded, this.#core.scratch.sketch)
    if (this.#core.exports.sketchMerge(this.#pointer, this.#core.scratch.sketch) === 0) {
      throw new AtlasError('message/invalid', 'sketch: more than 2^32 - 1 values')
    }
  }

  /**
   * The q-quantile in ms: the value at 0-based rank floor(q (count - 1)); NaN when empty.
   * @throws RangeError when q is not in 0..1
   */
  quantile(q: number): number {
    return quantileOf(this.#core, this.#pointer, q)
  }

  encode(): Uint8Array<ArrayBuffer> {
    return encodeSketch(this.#core, this.#pointer)
  }

  clear(): void {
    this.#bytes.fill(0)
  }

  /** Gives its memory back to the core; the sketch must not be used after. */
  release(): void {
    this.#core.arena.release(this.#pointer)
  }
}

/** Quantile in ms of the sketch at an address of the core's memory; NaN when empty. */
export function quantileOf(core: Core, pointer: number, q: number): number {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`q must be from 0 to 1, but is ${q}`)
  const bin = core.exports.sketchBin(pointer, q)
  return bin < 0 ? Number.NaN : (2 / (GAMMA + 1)) * MIN_MS * GAMMA ** bin
}

/** A copy of the sketch at an address, in its encoded form. */
export function encodeSketch(core: Core, pointer: number): Uint8Array<ArrayBuffer> {
  const { encoded, bytes } = core.scratch
  return bytes.slice(0, core.exports.sketchEncode(pointer, encoded))
}

/**
 * Decodes to an address of the core's memory; nothing is read or written past the sketch's bounds, whatever the bytes are.
 * @throws AtlasError `message/invalid`; what lies at the address is then undefined
 */
export function decodeSketch(core: Core, encoded: Uint8Array, pointer: number): void {
  const { bytes, encoded: scratch } = core.scratch
  if (!(encoded instanceof Uint8Array) || encoded.byteLength > bytes.byteLength) {
    throw new AtlasError(
      'message/invalid',
      `sketch: must be a Uint8Array of at most ${bytes.byteLength} bytes`,
    )
  }
  bytes.set(encoded)
  if (core.exports.sketchDecode(scratch, encoded.byteLength, pointer) === 0) {
    throw new AtlasError('message/invalid', 'sketch: malformed (version, length or bins)')
  }
}
