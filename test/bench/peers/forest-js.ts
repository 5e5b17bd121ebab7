import {
  averagePathLength,
  type IsolationForest,
  type IsolationTree,
} from '../../../core-wasm/forest-format.ts'

/** The usual fast form of a forest in plain JavaScript: flat typed arrays of nodes with child indexes. */
export function jsForest(forest: IsolationForest): (point: Float32Array) => number {
  const nodes: { feature: number; value: number; left: number; right: number }[] = []
  const add = (tree: IsolationTree, depth: number): number => {
    const at = nodes.length
    const node = { feature: -1, value: 0, left: 0, right: 0 }
    nodes.push(node)
    if ('size' in tree) {
      node.value = depth + averagePathLength(tree.size)
      return at
    }
    node.feature = tree.feature
    node.value = tree.threshold
    node.left = add(tree.left, depth + 1)
    node.right = add(tree.right, depth + 1)
    return at
  }
  const roots = Int32Array.from(forest.trees, (tree) => add(tree, 0))
  const feature = Int16Array.from(nodes, (node) => node.feature)
  const value = Float32Array.from(nodes, (node) => node.value)
  const left = Int32Array.from(nodes, (node) => node.left)
  const right = Int32Array.from(nodes, (node) => node.right)
  const scale = -1 / (roots.length * averagePathLength(forest.subsample))
  return (point) => {
    let sum = 0
    for (let tree = 0; tree < roots.length; tree++) {
      let node = roots[tree] as number
      let column = feature[node] as number
      while (column >= 0) {
        node = ((point[column] as number) < (value[node] as number) ? left[node] : right[node]) as number
        column = feature[node] as number
      }
      sum += value[node] as number
    }
    return 2 ** (sum * scale)
  }
}
