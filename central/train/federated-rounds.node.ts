import { averageDeltas } from './federated-average.ts'
import type { NetworkShape, Parameter } from './network.ts'
import { decodeDelta, encodeDelta, type RegionDelta, weightsHash } from './region-delta.ts'
import { trainRegion } from './region-training.node.ts'
import type { TrafficSeries } from './traffic-series.ts'

export interface RegionTelemetry {
  readonly region: string
  readonly series: TrafficSeries
}

export interface FederatedTraining {
  readonly shape: NetworkShape
  readonly base: readonly Parameter[]
  readonly regions: readonly RegionTelemetry[]
  readonly rounds: number
  readonly windowsPerEpoch: number
  readonly learningRate: number
  readonly seed: number
  readonly report: (line: string) => void
}

/**
 * Rounds of federated averaging in one process, over the files that would travel: in each round every region trains for
 * one epoch from the same weights, and the mean of their deltas makes the next ones.
 */
export async function federate(options: FederatedTraining): Promise<readonly Parameter[]> {
  let weights = options.base
  for (let round = 0; round < options.rounds; round++) {
    const files: Uint8Array[] = []
    for (const telemetry of options.regions) {
      const delta = await oneEpoch(options, weights, [telemetry])
      files.push(encodeDelta(delta))
    }
    const { parameters, taken } = averageDeltas(weights, await weightsHash(weights), files.map(decodeDelta))
    weights = parameters
    const norms = taken.map(({ delta, norm }) => `${delta.region} ${norm.toFixed(2)}`).join(', ')
    options.report(`round ${round + 1} of ${options.rounds}: lengths of the deltas ${norms}`)
  }
  return weights
}

/** The same rounds and epochs without the others: what a model of these regions alone learns. */
export async function trainAlone(
  options: FederatedTraining,
  regions: readonly RegionTelemetry[],
): Promise<readonly Parameter[]> {
  let weights = options.base
  for (let round = 0; round < options.rounds; round++) {
    const delta = await oneEpoch(options, weights, regions)
    weights = averageDeltas(weights, delta.base, [delta]).parameters
  }
  return weights
}

async function oneEpoch(
  { shape, windowsPerEpoch, learningRate, seed }: FederatedTraining,
  base: readonly Parameter[],
  regions: readonly RegionTelemetry[],
): Promise<RegionDelta> {
  return trainRegion({
    region: regions[0]?.region ?? '',
    shape,
    base,
    baseHash: await weightsHash(base),
    series: regions.map(({ series }) => series),
    seed,
    epochs: 1,
    learningRate,
    windowsPerEpoch: windowsPerEpoch * regions.length,
  })
}
