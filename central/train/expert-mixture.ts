import type { NetworkShape } from './network.ts'
import type { OnnxGraph } from './onnx-writer.ts'

export interface Mixture {
  /** The experts' answers, [B, experts, out], and their weights, [B, experts]. */
  readonly answers: string
  readonly weights: string
  /** The weighed sum, [B, out]. */
  readonly mixed: string
}

/** Σ_k softmax(h G + gate)_k · (lags A_k), over the tensors or initialisers named `A`, `G` and `gate`. */
export function mixExperts(graph: OnnxGraph, shape: NetworkShape, hidden: string, lags: string): Mixture {
  const sums = graph.op('Add', [graph.op('MatMul', [hidden, 'G']), 'gate'])
  const weights = graph.op('Softmax', [sums], { axis: 1 })
  const form = graph.ints('expertForm', [0, shape.experts, shape.outputs])
  const answers = graph.op('Reshape', [graph.op('MatMul', [lags, 'A']), form])
  const axis = graph.ints('expertAxis', [2])
  const weighed = graph.op('Mul', [answers, graph.op('Unsqueeze', [weights, axis])])
  const mixed = graph.op('ReduceSum', [weighed, graph.ints('mixAxis', [1])], { keepdims: 0 })
  return { answers, weights, mixed }
}

/**
 * Gradients of `A`, `G` and `gate` from the slope at the answer, [B, out]; returns the error at the hidden state, [B, H].
 * Through the softmax: dz = w · (dw − Σ w · dw).
 */
export function backwardMixture(
  graph: OnnxGraph,
  shape: NetworkShape,
  mixture: Mixture,
  at: { readonly last: string; readonly slope: string; readonly axis0: string },
  gradients: Map<string, string>,
): string {
  const { answers, weights } = mixture
  const slopes = graph.op('Unsqueeze', [at.slope, 'mixAxis'])
  const atAnswers = graph.op('Mul', [graph.op('Unsqueeze', [weights, 'expertAxis']), slopes])
  const flat = graph.op('Reshape', [atAnswers, graph.ints('flatForm', [0, shape.experts * shape.outputs])])
  gradients.set('A', graph.op('Gemm', ['lags', flat], { transA: 1 }))
  const perExpert = graph.op('Mul', [answers, slopes])
  const atWeights = graph.op('ReduceSum', [perExpert, 'expertAxis'], { keepdims: 0 })
  const shared = graph.op('ReduceSum', [graph.op('Mul', [weights, atWeights]), 'mixAxis'], { keepdims: 1 })
  const atSums = graph.op('Mul', [weights, graph.op('Sub', [atWeights, shared])])
  gradients.set('G', graph.op('Gemm', [at.last, atSums], { transA: 1 }))
  gradients.set('gate', graph.op('ReduceSum', [atSums, at.axis0], { keepdims: 0 }))
  return graph.op('Gemm', [atSums, 'G'], { transB: 1 })
}
