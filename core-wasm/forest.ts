import { AtlasError } from '../contract/errors.ts'
import type { Core } from './core.ts'
import { averagePathLength, checkForest, type ForestHeader, HEADER_BYTES } from './forest-format.ts'

export {
  averagePathLength,
  encodeForest,
  type IsolationForest,
  type IsolationLeaf,
  type IsolationSplit,
  type IsolationTree,
} from './forest-format.ts'

/** Scores points with an isolation forest (Liu, Ting, Zhou 2008) that lies in the core's memory. */
export class Forest {
  /** Length of a point. */
  readonly features: number
  readonly trees: number
  readonly depth: number
  readonly subsample: number

  readonly #core: Core
  readonly #pointer: number
  readonly #heaps: number
  readonly #point: Float32Array
  readonly #weight: Float64Array
  readonly #visits: Float64Array
  readonly #scale: number

  private constructor(core: Core, header: ForestHeader, heaps: Uint8Array) {
    const { features } = header
    this.features = features
    this.trees = header.trees
    this.depth = header.depth
    this.subsample = header.subsample
    this.#scale = -1 / (header.trees * averagePathLength(header.subsample))
    this.#core = core
    this.#pointer = takeMemory(core, features * 20 + 8 + heaps.byteLength)
    this.#weight = new Float64Array(core.buffer, this.#pointer, features)
    this.#visits = new Float64Array(core.buffer, this.#pointer + features * 8, features)
    this.#point = new Float32Array(core.buffer, this.#pointer + features * 16, features)
    this.#heaps = this.#pointer + Math.ceil((features * 20) / 8) * 8
    new Uint8Array(core.buffer, this.#heaps, heaps.byteLength).set(heaps)
  }

  /**
   * Loads a file of `encodeForest`, checked whole; nothing of a refused file stays.
   * @throws AtlasError `model/unreadable` (not a forest, cut short, damaged) or `model/shape` (out of bounds, or too
   *   large for the core's free memory)
   */
  static load(core: Core, bytes: Uint8Array): Forest {
    const header = checkForest(bytes)
    return new Forest(core, header, bytes.subarray(HEADER_BYTES))
  }

  /**
   * The raw score 2^(-E(h) / c(subsample)) in 0..1: about 0.5 is ordinary, towards 1 is easily isolated.
   * A NaN in the point takes every right branch: keep it out.
   * @throws AtlasError `model/shape` when the point's length is not `features`
   */
  score(point: Float64Array | Float32Array): number {
    this.#place(point)
    const sum = this.#core.exports.forestPath(this.#heaps, this.trees, this.depth, this.#point.byteOffset)
    return 2 ** (sum * this.#scale)
  }

  /**
   * Indexes of the at most k features that isolate the point most, the strongest first: local DIFFI (Carletti, Terzi,
   * Susto 2023), the mean over a feature's splits on the point's ways of 1/h - 1/depth, h being the leaf's depth.
   * @throws AtlasError `model/shape` when the point's length is not `features`
   */
  isolating(point: Float64Array | Float32Array, k: number): number[] {
    this.#place(point)
    this.#weight.fill(0)
    this.#visits.fill(0)
    this.#core.exports.forestExplain(
      this.#heaps,
      this.trees,
      this.depth,
      this.#point.byteOffset,
      this.#weight.byteOffset,
      this.#visits.byteOffset,
    )
    return rankFeatures(this.#weight, this.#visits, k)
  }

  /** Gives its memory back to the core; the forest must not be used after. */
  release(): void {
    this.#core.arena.release(this.#pointer)
  }

  #place(point: Float64Array | Float32Array): void {
    if (point.length !== this.features) {
      throw new AtlasError('model/shape', `point has ${point.length} features, the forest ${this.features}`)
    }
    this.#point.set(point)
  }
}

/** Features by mean weight of their visits, the largest first, then by index; those never visited are left out. */
export function rankFeatures(weight: ArrayLike<number>, visits: ArrayLike<number>, k: number): number[] {
  const mean = (feature: number): number => (weight[feature] ?? 0) / (visits[feature] || 1)
  return Array.from({ length: weight.length }, (_, feature) => feature)
    .filter((feature) => (visits[feature] ?? 0) > 0)
    .sort((a, b) => mean(b) - mean(a) || a - b)
    .slice(0, k)
}

function takeMemory(core: Core, bytes: number): number {
  try {
    return core.arena.take(bytes)
  } catch (cause) {
    throw new AtlasError('model/shape', `forest: ${bytes} bytes, the core has ${core.arena.largest} free`, {
      cause,
    })
  }
}
