import { ML_DOMAIN, OnnxGraph } from '../../../central/train/onnx-writer.ts'
import {
  averagePathLength,
  type IsolationForest,
  type IsolationTree,
} from '../../../core-wasm/forest-format.ts'

interface Nodes {
  readonly treeIds: number[]
  readonly nodeIds: number[]
  readonly features: number[]
  readonly thresholds: number[]
  readonly modes: string[]
  readonly trueIds: number[]
  readonly falseIds: number[]
}

/** The forest as a TreeEnsembleRegressor: sum of path lengths of a batch of points, the form scikit-learn's exporters write. */
export function onnxForest(forest: IsolationForest): Uint8Array {
  const nodes: Nodes = {
    treeIds: [],
    nodeIds: [],
    features: [],
    thresholds: [],
    modes: [],
    trueIds: [],
    falseIds: [],
  }
  const leaves = { treeIds: [] as number[], nodeIds: [] as number[], weights: [] as number[] }
  forest.trees.forEach((root, treeId) => {
    let fresh = 0
    const add = (tree: IsolationTree, depth: number): number => {
      const id = fresh++
      const at = nodes.nodeIds.length
      const leaf = 'size' in tree
      nodes.treeIds.push(treeId)
      nodes.nodeIds.push(id)
      nodes.features.push(leaf ? 0 : tree.feature)
      nodes.thresholds.push(leaf ? 0 : tree.threshold)
      nodes.modes.push(leaf ? 'LEAF' : 'BRANCH_LT')
      nodes.trueIds.push(0)
      nodes.falseIds.push(0)
      if (leaf) {
        leaves.treeIds.push(treeId)
        leaves.nodeIds.push(id)
        leaves.weights.push(depth + averagePathLength(tree.size))
        return id
      }
      nodes.trueIds[at] = add(tree.left, depth + 1)
      nodes.falseIds[at] = add(tree.right, depth + 1)
      return id
    }
    add(root, 0)
  })

  const graph = new OnnxGraph('forest')
  graph.input('points', ['n', forest.features])
  graph.output('paths', ['n', 1])
  graph.node(
    'TreeEnsembleRegressor',
    ['points'],
    ['paths'],
    {
      aggregate_function: 'SUM',
      n_targets: 1,
      nodes_treeids: nodes.treeIds,
      nodes_nodeids: nodes.nodeIds,
      nodes_featureids: nodes.features,
      nodes_values: { floats: nodes.thresholds },
      nodes_modes: { strings: nodes.modes },
      nodes_truenodeids: nodes.trueIds,
      nodes_falsenodeids: nodes.falseIds,
      target_treeids: leaves.treeIds,
      target_nodeids: leaves.nodeIds,
      target_ids: leaves.nodeIds.map(() => 0),
      target_weights: { floats: leaves.weights },
    },
    ML_DOMAIN,
  )
  return graph.toBytes()
}
