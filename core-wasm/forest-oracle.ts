import { averagePathLength, type IsolationForest, type IsolationTree } from './forest-format.ts'

/** The raw score by the paper's definition, over linked trees in plain TypeScript: the test oracle of `Forest.score`. */
export function scoreSlow(forest: IsolationForest, point: ArrayLike<number>): number {
  const mean = forest.trees.reduce((sum, tree) => sum + pathLength(tree, point, 0), 0) / forest.trees.length
  return 2 ** (-mean / averagePathLength(forest.subsample))
}

/** Weight and number of each feature's splits on the point's ways: the test oracle of `Forest.isolating`. */
export function explainSlow(
  forest: IsolationForest,
  point: ArrayLike<number>,
): { readonly weight: number[]; readonly visits: number[] } {
  const weight = new Array<number>(forest.features).fill(0)
  const visits = new Array<number>(forest.features).fill(0)
  for (const tree of forest.trees) {
    const way = featuresOnWay(tree, point)
    for (const feature of way) {
      weight[feature] = (weight[feature] ?? 0) + 1 / way.length - 1 / forest.depth
      visits[feature] = (visits[feature] ?? 0) + 1
    }
  }
  return { weight, visits }
}

function pathLength(tree: IsolationTree, point: ArrayLike<number>, depth: number): number {
  if ('size' in tree) return depth + averagePathLength(tree.size)
  return pathLength(next(tree, point), point, depth + 1)
}

function featuresOnWay(tree: IsolationTree, point: ArrayLike<number>): number[] {
  return 'size' in tree ? [] : [tree.feature, ...featuresOnWay(next(tree, point), point)]
}

function next(split: Exclude<IsolationTree, { size: number }>, point: ArrayLike<number>): IsolationTree {
  const value = Math.fround(point[split.feature] ?? Number.NaN)
  return value < Math.fround(split.threshold) ? split.left : split.right
}
