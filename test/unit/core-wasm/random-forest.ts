import type { Random } from '../../../contract/ports.ts'
import type { IsolationForest, IsolationTree } from '../../../core-wasm/forest.ts'
import { integer, normal } from './values.ts'

/** A forest of random shape: what the format must carry, not what a trainer would make. */
export function randomForest(
  random: Random,
  size: Omit<IsolationForest, 'trees'> & { trees: number },
): IsolationForest {
  const grow = (level: number): IsolationTree =>
    level === size.depth || random.next() < 0.2
      ? { size: integer(random, 0, 40) }
      : {
          feature: integer(random, 0, size.features - 1),
          threshold: 3 * normal(random),
          left: grow(level + 1),
          right: grow(level + 1),
        }
  return { ...size, trees: Array.from({ length: size.trees }, () => grow(0)) }
}

/** Isolation trees on points, by the paper's algorithm 2. */
export function growForest(
  random: Random,
  points: readonly Float64Array[],
  trees: number,
  subsample: number,
): IsolationForest {
  const features = points[0]?.length ?? 0
  const depth = Math.ceil(Math.log2(subsample))
  const grow = (sample: readonly Float64Array[], level: number): IsolationTree => {
    const feature = integer(random, 0, features - 1)
    const values = sample.map((point) => point[feature] ?? 0)
    const [low, high] = [Math.min(...values), Math.max(...values)]
    if (level === depth || sample.length <= 1 || low === high) return { size: sample.length }
    const threshold = low + (high - low) * random.next()
    const isLeft = (point: Float64Array) => Math.fround(point[feature] ?? 0) < Math.fround(threshold)
    return {
      feature,
      threshold,
      left: grow(sample.filter(isLeft), level + 1),
      right: grow(
        sample.filter((point) => !isLeft(point)),
        level + 1,
      ),
    }
  }
  return {
    features,
    depth,
    subsample,
    trees: Array.from({ length: trees }, () =>
      grow(
        Array.from(
          { length: subsample },
          () => points[integer(random, 0, points.length - 1)] ?? new Float64Array(),
        ),
        0,
      ),
    ),
  }
}

/** Mostly ordinary values, some of the ends of f32's range. */
export function randomPoint(random: Random, features: number): Float64Array {
  return Float64Array.from({ length: features }, () => {
    const odd = random.next()
    if (odd < 0.02) return Number.POSITIVE_INFINITY
    if (odd < 0.04) return Number.NEGATIVE_INFINITY
    if (odd < 0.06) return Number.NaN
    return (odd < 0.1 ? 1e6 : 3) * normal(random)
  })
}
