import { backwardMixture, mixExperts } from './expert-mixture.ts'
import { type NetworkShape, parameterShapes } from './network.ts'
import { OnnxGraph } from './onnx-writer.ts'

export interface TrainingOptions {
  readonly shape: NetworkShape
  readonly batch: number
  /** Quantile level of each output. */
  readonly levels: readonly number[]
  /** Gradients are scaled down to this global norm (Pascanu, Mikolov, Bengio 2013). */
  readonly clipNorm: number
}

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }

interface LayerTrace {
  readonly units: number
  /** What the layer read, [T·B, in]. */
  readonly input: string
  readonly steps: readonly StepTrace[]
}

interface StepTrace {
  readonly gates: string
  readonly input: string
  readonly output: string
  readonly forget: string
  readonly candidate: string
  readonly cellBefore: string
  readonly cellTanh: string
  readonly hiddenBefore: string
  readonly hidden: string
}

/**
 * One training step as a plain ONNX graph: forward, back-propagation through all time steps, clipping, Adam (Kingma, Ba
 * 2015). Inputs: `x` [T·B, F] (time-major), `lags` [B, T + 1] (what the experts read), `y` and `weight` [B, outputs], `rate` [1] (bias-corrected
 * learning rate), and of each parameter P itself, `m.P`, `v.P`. Outputs: `loss` [1], `norm` [1], and `next.…` of the rest,
 * and `grad.P` for checks when `withGradients`.
 * The loss is the mean pinball loss (Koenker, Bassett 1978) over the outputs whose weight is not 0.
 */
export function trainingGraph(options: TrainingOptions, withGradients = false): Uint8Array {
  const { shape, batch, levels, clipNorm } = options
  const graph = new OnnxGraph('atlas-training-step')
  const steps = shape.lookback
  graph.input('x', [steps * batch, shape.features])
  graph.input('lags', [batch, steps + 1])
  graph.input('y', [batch, shape.outputs])
  graph.input('weight', [batch, shape.outputs])
  graph.input('rate', [1])
  for (const { name, dims } of parameterShapes(shape)) graph.input(name, dims)

  const one = graph.constant(1)
  const zero = graph.constant(0)
  const batches = graph.ints(
    'batches',
    Array.from({ length: steps }, () => batch),
  )

  const layers: LayerTrace[] = []
  let layerInput = 'x'
  for (const [index, units] of shape.hidden.entries()) {
    const trace = forwardLayer(graph, index, units, layerInput, { steps, batch, batches })
    layers.push(trace)
    layerInput = graph.op(
      'Concat',
      trace.steps.map((step) => step.hidden),
      { axis: 0 },
    )
  }
  const last = layers.at(-1)?.steps.at(-1)?.hidden ?? ''
  const mixture = mixExperts(graph, shape, last, 'lags')
  const heads = graph.op('Add', [graph.op('MatMul', [last, 'V']), mixture.mixed])
  const answer = graph.op('Add', [heads, 'bias'])

  // pinball: max(τ·d, (τ − 1)·d) with d = y − answer; its slope in the answer is 1[d < 0] − τ
  const level = graph.floats('levels', [1, shape.outputs], Float32Array.from(levels))
  const levelLess = graph.floats(
    'levelsLess',
    [1, shape.outputs],
    Float32Array.from(levels, (tau) => tau - 1),
  )
  const miss = graph.op('Sub', ['y', answer])
  const pinball = graph.op('Max', [graph.op('Mul', [level, miss]), graph.op('Mul', [levelLess, miss])])
  const total = graph.op('Max', [graph.op('ReduceSum', ['weight'], { keepdims: 0 }), one])
  const lossSum = graph.op('ReduceSum', [graph.op('Mul', [pinball, 'weight'])], { keepdims: 0 })
  graph.node('Div', [lossSum, total], ['loss'])
  graph.output('loss', [1])
  const below = graph.op('Cast', [graph.op('Less', [miss, zero])], { to: 1 })
  const slope = graph.op('Mul', [graph.op('Sub', [below, level]), graph.op('Div', ['weight', total])])

  const gradients = new Map<string, string>()
  const axis0 = graph.ints('axis0', [0])
  gradients.set('V', graph.op('Gemm', [last, slope], { transA: 1 }))
  gradients.set('bias', graph.op('ReduceSum', [slope, axis0], { keepdims: 0 }))
  const throughGate = backwardMixture(graph, shape, mixture, { last, slope, axis0 }, gradients)
  let above: string[] = Array.from({ length: steps }, () => '')
  above[steps - 1] = graph.op('Add', [graph.op('Gemm', [slope, 'V'], { transB: 1 }), throughGate])
  for (let index = layers.length - 1; index >= 0; index--) {
    const layer = layers[index]
    if (layer === undefined) continue
    const errors = backwardLayer(graph, index, layer, above, one)
    const all = graph.op('Concat', errors, { axis: 0 })
    const hiddenBefore = graph.op(
      'Concat',
      layer.steps.map((step) => step.hiddenBefore),
      { axis: 0 },
    )
    gradients.set(`W${index}`, graph.op('Gemm', [all, layer.input], { transA: 1 }))
    gradients.set(`R${index}`, graph.op('Gemm', [all, hiddenBefore], { transA: 1 }))
    gradients.set(`B${index}`, graph.op('ReduceSum', [all, axis0], { keepdims: 0 }))
    if (index > 0)
      above = graph.ops('Split', [graph.op('MatMul', [all, `W${index}`]), batches], steps, { axis: 0 })
  }
  adam(graph, shape, gradients, clipNorm, one, withGradients)
  return graph.toBytes()
}

function forwardLayer(
  graph: OnnxGraph,
  index: number,
  units: number,
  input: string,
  run: { readonly steps: number; readonly batch: number; readonly batches: string },
): LayerTrace {
  const projected = graph.op('Gemm', [input, `W${index}`, `B${index}`], { transB: 1 })
  const perStep = graph.ops('Split', [projected, run.batches], run.steps, { axis: 0 })
  const gateSizes = graph.ints(`gates${index}`, [3 * units, units])
  const thirds = graph.ints(`thirds${index}`, [units, units, units])
  const nothing = graph.floats(`nothing${index}`, [run.batch, units], new Float32Array(run.batch * units))
  let cell = nothing
  let hidden = nothing
  const steps = perStep.map((drive): StepTrace => {
    const sum = graph.op('Gemm', [hidden, `R${index}`, drive], { transB: 1 })
    const [gateSum = '', candidateSum = ''] = graph.ops('Split', [sum, gateSizes], 2, { axis: 1 })
    const gates = graph.op('Sigmoid', [gateSum])
    const candidate = graph.op('Tanh', [candidateSum])
    const [inputGate = '', outputGate = '', forget = ''] = graph.ops('Split', [gates, thirds], 3, { axis: 1 })
    const cellBefore = cell
    const hiddenBefore = hidden
    cell = graph.op('Add', [graph.op('Mul', [forget, cellBefore]), graph.op('Mul', [inputGate, candidate])])
    const cellTanh = graph.op('Tanh', [cell])
    hidden = graph.op('Mul', [outputGate, cellTanh])
    return {
      gates,
      input: inputGate,
      output: outputGate,
      forget,
      candidate,
      cellBefore,
      cellTanh,
      hiddenBefore,
      hidden,
    }
  })
  return { units, input, steps }
}

/** Errors at the gates' sums, [B, 4H] a step, in time order. `above`: errors at each step's hidden state, '' for none. */
function backwardLayer(
  graph: OnnxGraph,
  index: number,
  layer: LayerTrace,
  above: readonly string[],
  one: string,
): string[] {
  const errors: string[] = []
  let fromNextHidden = ''
  let fromNextCell = ''
  const sum = (left: string, right: string) =>
    left === '' || right === '' ? left || right : graph.op('Add', [left, right])
  const product = (...names: [string, string]) => graph.op('Mul', names)
  const slopeOfTanh = (name: string) => graph.op('Sub', [one, product(name, name)])
  for (let at = layer.steps.length - 1; at >= 0; at--) {
    const step = layer.steps[at]
    if (step === undefined) continue
    const hidden = sum(above[at] ?? '', fromNextHidden)
    const throughOutput = product(product(hidden, step.output), slopeOfTanh(step.cellTanh))
    const cell = sum(throughOutput, fromNextCell)
    const gateErrors = graph.op(
      'Concat',
      [product(cell, step.candidate), product(hidden, step.cellTanh), product(cell, step.cellBefore)],
      { axis: 1 },
    )
    const slopeOfGates = product(step.gates, graph.op('Sub', [one, step.gates]))
    const candidateError = product(product(cell, step.input), slopeOfTanh(step.candidate))
    const error = graph.op('Concat', [product(gateErrors, slopeOfGates), candidateError], { axis: 1 })
    errors.unshift(error)
    if (at === 0) break
    fromNextHidden = graph.op('MatMul', [error, `R${index}`])
    fromNextCell = product(cell, step.forget)
  }
  return errors
}

function adam(
  graph: OnnxGraph,
  shape: NetworkShape,
  gradients: ReadonlyMap<string, string>,
  clipNorm: number,
  one: string,
  withGradients: boolean,
): void {
  const squares = [...gradients.values()].map((name) => graph.op('ReduceSumSquare', [name], { keepdims: 0 }))
  graph.node('Sqrt', [graph.op('Sum', squares)], ['norm'])
  graph.output('norm', [])
  const room = graph.op('Div', [graph.constant(clipNorm), graph.op('Add', ['norm', graph.constant(1e-6)])])
  const scale = graph.op('Min', [one, room])
  const [beta1, rest1] = [graph.constant(ADAM.beta1), graph.constant(1 - ADAM.beta1)]
  const [beta2, rest2] = [graph.constant(ADAM.beta2), graph.constant(1 - ADAM.beta2)]
  const epsilon = graph.constant(ADAM.epsilon)
  for (const { name, dims } of parameterShapes(shape)) {
    const raw = gradients.get(name) ?? ''
    graph.input(`m.${name}`, dims)
    graph.input(`v.${name}`, dims)
    const gradient = graph.op('Mul', [raw, scale])
    const squared = graph.op('Mul', [gradient, gradient])
    const first = graph.op('Add', [graph.op('Mul', [`m.${name}`, beta1]), graph.op('Mul', [gradient, rest1])])
    const second = graph.op('Add', [graph.op('Mul', [`v.${name}`, beta2]), graph.op('Mul', [squared, rest2])])
    const step = graph.op('Div', [
      graph.op('Mul', [first, 'rate']),
      graph.op('Add', [graph.op('Sqrt', [second]), epsilon]),
    ])
    graph.node('Identity', [first], [`next.m.${name}`])
    graph.node('Identity', [second], [`next.v.${name}`])
    graph.node('Sub', [name, step], [`next.${name}`])
    for (const output of [`next.${name}`, `next.m.${name}`, `next.v.${name}`]) graph.output(output, dims)
    if (withGradients) {
      graph.node('Identity', [raw], [`grad.${name}`])
      graph.output(`grad.${name}`, dims)
    }
  }
}
