import { QUANTILE_LEVELS } from '../../contract/model/series.ts'
import { seededRandom } from '../../contract/ports.ts'
import { deltaOf } from './federated-average.ts'
import type { NetworkShape, Parameter } from './network.ts'
import type { RegionDelta } from './region-delta.ts'
import type { TrafficSeries } from './traffic-series.ts'
import { scheduleAt } from './train-forecaster.node.ts'
import { Trainer } from './trainer.ts'
import { WindowSampler } from './window-sampler.ts'

/** Most windows of one epoch: a region with more samples draws so many of them, anew in each epoch. */
const MOST_WINDOWS = 10_240
const BATCH = 64
const REPORT_EVERY_MS = 2000

export interface RegionTraining {
  readonly region: string
  readonly shape: NetworkShape
  readonly base: readonly Parameter[]
  /** `weightsHash` of `base`. */
  readonly baseHash: string
  /** The region's own traffic. */
  readonly series: readonly TrafficSeries[]
  readonly seed: number
  readonly epochs: number
  readonly learningRate: number
  /** Fewer windows an epoch than the samples there are. */
  readonly windowsPerEpoch?: number
  readonly report?: (line: string) => void
}

/**
 * A region's part of a round: trains on from the shared weights on its own traffic, and tells how far that moved them. One
 * epoch is as many windows as there are samples (10,240 at most). The same options give the same delta on the same machine.
 * @throws RangeError when no series has more samples than one window
 */
export async function trainRegion(options: RegionTraining): Promise<RegionDelta> {
  const { region, shape, base, baseHash, series, seed, epochs, learningRate, report } = options
  const samples = series.reduce((sum, { rps }) => sum + rps.length, 0)
  const sources = series.map((one) => ({ series: one, usable: one.rps.length, share: one.rps.length }))
  // other windows in each round, since its base is another
  const sampler = new WindowSampler(sources, seededRandom(seed + Number.parseInt(baseHash.slice(0, 8), 16)))
  const levels = Array.from({ length: shape.outputs }, (_, at) => QUANTILE_LEVELS[at % 3] ?? 0.5)
  const trainer = await Trainer.create({ shape, batch: BATCH, levels, clipNorm: 1 }, base)
  const perEpoch = Math.min(options.windowsPerEpoch ?? MOST_WINDOWS, samples)
  const steps = Math.max(1, Math.round((epochs * perEpoch) / BATCH))
  let reportedMs = performance.now()
  let mean = Number.NaN
  for (let step = 0; step < steps; step++) {
    const { loss } = await trainer.step(sampler.batch(BATCH), learningRate * scheduleAt(step, steps))
    mean = Number.isNaN(mean) ? loss : mean + (loss - mean) * 0.05
    if (performance.now() - reportedMs < REPORT_EVERY_MS && step + 1 < steps) continue
    reportedMs = performance.now()
    report?.(`${region}: step ${step + 1} of ${steps}  loss ${mean.toFixed(4)}`)
  }
  const layers = deltaOf(trainer.parameters(), base)
  await trainer.release()
  return { base: baseHash, region, windows: steps * BATCH, seed, epochs, learningRate, loss: mean, layers }
}
