import { QUANTILE_LEVELS } from '../../contract/model/series.ts'
import { type Random, seededRandom } from '../../contract/ports.ts'
import { generateTraffic } from './generated-traffic.ts'
import { FORECASTER_SHAPE, initialParameters, type Parameter } from './network.ts'
import { FIT_SHARE, type Trace } from './traces.node.ts'
import { coarser } from './traffic-series.ts'
import { Trainer } from './trainer.ts'
import { type Source, WindowSampler } from './window-sampler.ts'

const WINDOWS_PER_EPOCH = 10_240

export interface ForecasterTraining {
  readonly seed: number
  readonly epochs: number
  readonly batch: number
  readonly learningRate: number
  /** Generated series to draw from, and days of each. */
  readonly generated: { readonly series: number; readonly days: number }
  readonly traces: readonly Trace[]
  /** What PoPs recorded, drawn beside the others. */
  readonly further?: readonly Source[]
  readonly report: (line: string) => void
}

export interface TrainedForecaster {
  readonly parameters: Parameter[]
  readonly finalLoss: number
  readonly windows: number
  readonly drawn: ReadonlyMap<string, number>
  readonly sources: readonly Source[]
}

/** Of the windows, the share that is generated where there are recorded traces too. */
const GENERATED_SHARE = 0.5
const REPORT_EVERY_MS = 2000

/** Trains the forecaster: Adam with a cosine schedule and a short warm-up. The same options give the same parameters. */
export async function trainForecaster(options: ForecasterTraining): Promise<TrainedForecaster> {
  const { seed, epochs, batch, learningRate, report } = options
  const random = seededRandom(seed)
  const { traces, further = [] } = options
  const sources = [...generatedSources(random, options), ...recordedSources(traces), ...further]
  const sampler = new WindowSampler(sources, random)
  const shape = FORECASTER_SHAPE
  const levels = Array.from({ length: shape.outputs }, (_, at) => QUANTILE_LEVELS[at % 3] ?? 0.5)
  const trainer = await Trainer.create(
    { shape, batch, levels, clipNorm: 1 },
    initialParameters(shape, random),
  )
  const steps = Math.ceil((epochs * WINDOWS_PER_EPOCH) / batch)
  const startedMs = performance.now()
  let reportedMs = startedMs
  let mean = Number.NaN
  for (let step = 0; step < steps; step++) {
    const rate = learningRate * scheduleAt(step, steps)
    const { loss } = await trainer.step(sampler.batch(batch), rate)
    mean = Number.isNaN(mean) ? loss : mean + (loss - mean) * 0.02
    const nowMs = performance.now()
    if (nowMs - reportedMs < REPORT_EVERY_MS && step + 1 < steps) continue
    reportedMs = nowMs
    const perStepMs = (nowMs - startedMs) / (step + 1)
    const left = Math.ceil((perStepMs * (steps - step - 1)) / 1000)
    const speed = Math.round((1000 * batch) / perStepMs)
    const epoch = (((step + 1) * batch) / WINDOWS_PER_EPOCH).toFixed(1)
    report(
      `forecaster: epoch ${epoch}/${epochs}  loss ${mean.toFixed(4)}  ${speed} windows/s  ${left} s left`,
    )
  }
  const parameters = trainer.parameters()
  await trainer.release()
  return { parameters, finalLoss: mean, windows: steps * batch, drawn: sampler.drawn, sources }
}

/** Share of the full rate: up over the first 3 %, then down a cosine to nearly nothing. */
export function scheduleAt(step: number, steps: number): number {
  const warmUp = Math.max(1, Math.floor(steps * 0.03))
  if (step < warmUp) return (step + 1) / warmUp
  return 0.01 + 0.495 * (1 + Math.cos((Math.PI * (step - warmUp)) / Math.max(1, steps - warmUp)))
}

/** Most are minute series; a fifth is folded to steps of 5 or 10 minutes, as some metrics come. */
function generatedSources(random: Random, options: ForecasterTraining): Source[] {
  const { series, days } = options.generated
  const share = (options.traces.length === 0 ? 1 : GENERATED_SHARE) / series
  return Array.from({ length: series }, (_, index) => {
    const coarse = index % 5 === 4
    const minutes = generateTraffic(random, 'generated', coarse ? days * 4 : days)
    const made = coarse ? coarser(minutes, index % 2 === 0 ? 5 : 10) : minutes
    return { series: made, usable: made.rps.length, share }
  })
}

/** Each trace's fit part, weighted by the root of its length. */
function recordedSources(traces: readonly Trace[]): Source[] {
  const roots = traces.map(({ series }) => Math.sqrt(series.rps.length))
  const total = roots.reduce((sum, root) => sum + root, 0)
  return traces.map(({ series }, index) => ({
    series,
    usable: Math.floor(series.rps.length * FIT_SHARE),
    share: ((1 - GENERATED_SHARE) * (roots[index] ?? 0)) / total,
  }))
}
