import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { type ModelManifest, parseManifest } from '../../contract/model/manifest.ts'
import { seededRandom } from '../../contract/ports.ts'
import { type BaseModel, FP32_FILE, readBase } from './base-model.node.ts'
import { selfCheckCases } from './describe-models.node.ts'
import { exportModel } from './export.ts'
import { averageDeltas, type FederatedAverage } from './federated-average.ts'
import type { FederatedOptions } from './federated-options.ts'
import { ForecastSession } from './forecast-session.node.ts'
import { generateTraffic } from './generated-traffic.ts'
import { compareForms } from './quantisation.node.ts'
import { decodeDelta, encodeDelta, type RegionDelta } from './region-delta.ts'
import { trainRegion } from './region-training.node.ts'
import { parseTrace } from './traces.node.ts'

/** Generated traffic to compare the int8 with the fp32 form on: where the average is made there is no other. */
const COMPARED = { series: 20, days: 3, seed: 1 }
/** How a region's part in a round is named among a manifest's sources. */
const ROUND = /^round (\d+): /

type Report = (line: string) => void

/** `npm run train -- region` and `-- average`. @throws AtlasError with what to mend */
export async function runFederated(options: FederatedOptions, report: Report): Promise<void> {
  await (options.kind === 'region' ? writeDelta(options, report) : writeAverage(options, report))
}

async function writeDelta(options: FederatedOptions & { kind: 'region' }, report: Report): Promise<void> {
  const { region, files, out, seed, epochs, learningRate } = options
  const series = files.map((file) => parseTrace(basename(file, '.csv'), readFileSync(file, 'utf8')))
  const { manifest, shape, parameters, hash, form } = await readBase(options.base)
  report(`base ${manifest.forecaster.name}, weights ${hash.slice(0, 12)}… from its ${form} form`)
  const training = { region, shape, base: parameters, baseHash: hash, series, seed, epochs, learningRate }
  const delta = await trainRegion({ ...training, report })
  const bytes = encodeDelta(delta)
  writeFileSync(out, bytes)
  report(`wrote ${out}: ${bytes.length} bytes, the model's layers after ${delta.windows} windows; no traffic`)
}

async function writeAverage(options: FederatedOptions & { kind: 'average' }, report: Report): Promise<void> {
  const base = await readBase(options.base)
  const files = options.deltas.map((file) => ({ file, bytes: new Uint8Array(readFileSync(file)) }))
  const deltas = files.flatMap(({ file, bytes }) => {
    try {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return [{ delta: decodeDelta(bytes), sha256 }]
    } catch (thrown) {
      if (!(thrown instanceof AtlasError)) throw thrown
      report(`${file}: left out: ${messageOf(thrown)}`)
      return []
    }
  })
  const average = averageDeltas(
    base.parameters,
    base.hash,
    deltas.map(({ delta }) => delta),
  )
  for (const { region, reason } of average.refused) report(`${region}: left out: ${reason}`)
  for (const { delta, share, norm, scale } of average.taken) {
    const { region, windows } = delta
    const cut = scale < 1 ? `, cut to ${(100 * scale).toFixed(0)} %` : ''
    report(`${region}: ${windows} windows, ${(100 * share).toFixed(1)} %, length ${norm.toFixed(3)}${cut}`)
  }
  const model = exportModel(base.shape, average.parameters, 'int8')
  const fp32 = exportModel(base.shape, average.parameters, 'fp32')
  const manifest = await describeAverage(base, average, deltas, model, fp32)
  mkdirSync(options.out, { recursive: true })
  writeFileSync(join(options.out, manifest.forecaster.file.path), model)
  writeFileSync(join(options.out, FP32_FILE), fp32)
  writeFileSync(join(options.out, manifest.forest.file.path), base.forest)
  writeFileSync(join(options.out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  report(`wrote ${options.out}: ${manifest.forecaster.name}, ${manifest.forecaster.training.remark}`)
}

/** The base's manifest, with what changed: the file, its checks, the regions of this round. Errors are yet to be measured, in shadow. */
async function describeAverage(
  { manifest, hash }: BaseModel,
  { taken }: FederatedAverage,
  sent: readonly { readonly delta: RegionDelta; readonly sha256: string }[],
  model: Uint8Array,
  fp32: Uint8Array,
): Promise<ModelManifest> {
  const { forecaster } = manifest
  const before = forecaster.training
  const round = 1 + Math.max(0, ...before.sources.map(({ name }) => Number(ROUND.exec(name)?.[1] ?? 0)))
  const sources = taken.map(({ delta, share, scale }) => ({
    name: `round ${round}: ${delta.region}`,
    sha256: sent.find((file) => file.delta === delta)?.sha256 ?? null,
    part: `weight delta, ${(100 * share).toFixed(1)} % of the mean, scaled by ${scale.toFixed(3)}`,
    windows: delta.windows,
  }))
  const most = (of: (delta: RegionDelta) => number) => Math.max(...taken.map(({ delta }) => of(delta)))
  const sha256 = createHash('sha256').update(model).digest('hex')
  const session = await ForecastSession.open(model)
  const cases = await selfCheckCases(session)
  await session.release()
  return parseManifest({
    ...manifest,
    forecaster: {
      ...forecaster,
      name: `lstm-${forecaster.hidden.join('-')}-${sha256.slice(0, 8)}`,
      file: { ...forecaster.file, sizeBytes: model.length, sha256 },
      training: {
        ...before,
        seed: most(({ seed }) => seed),
        epochs: most(({ epochs }) => epochs),
        learningRate: most(({ learningRate }) => learningRate),
        windows: before.windows + taken.reduce((sum, { delta }) => sum + delta.windows, 0),
        finalLoss: taken.reduce((sum, { delta, share }) => sum + share * delta.loss, 0),
        sources: [...before.sources, ...sources],
        remark: `federated average, round ${round}, of ${taken.map(({ delta }) => delta.region).join(', ')}, on ${forecaster.name} (weights ${hash})`,
        command: 'npm run train -- average',
      },
      quantisation: await compareForms(model, fp32, comparedTraffic(), COMPARED.seed),
      selfCheck: { ...forecaster.selfCheck, cases },
      errors: [],
    },
  })
}

function comparedTraffic() {
  const random = seededRandom(COMPARED.seed)
  return Array.from({ length: COMPARED.series }, () => {
    const series = generateTraffic(random, 'generated', COMPARED.days)
    return { series, usable: series.rps.length, share: 1 }
  })
}
