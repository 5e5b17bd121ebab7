import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifest } from '../../contract/model/manifest.ts'
import { describeForecaster } from '../train/describe-models.node.ts'
import { exportModel } from '../train/export.ts'
import { ForecastSession } from '../train/forecast-session.node.ts'
import { furtherSources } from '../train/further-sources.ts'
import { FORECASTER_SHAPE } from '../train/network.ts'
import { compareForms } from '../train/quantisation.node.ts'
import { dataFolder, trainingTraces } from '../train/traces.node.ts'
import { trainForecaster } from '../train/train-forecaster.node.ts'
import { readSeries, type TrainingJob, type TrainingResult } from './job.ts'

const SHIPPED = new URL('../../models/manifest.json', import.meta.url)
const FULL = { series: 300, days: 14 }
const QUICK = { series: 20, days: 3, epochs: 0.1 }

/**
 * Trains a reference for all PoPs as `npm run train` does, with their recorded minutes and incidents as further sources, and
 * writes it with its fp32 form and its manifest. The forest of the manifest is the shipped one.
 */
export async function trainGlobal(
  { seed, quick }: Pick<TrainingJob, 'seed' | 'quick'>,
  { epochs: wanted, recorded, examples }: NonNullable<TrainingJob['global']>,
  folder: string,
  report: (line: string) => void,
): Promise<NonNullable<TrainingResult['global']>> {
  const data = dataFolder()
  const traces = data === null ? [] : trainingTraces(data)
  const series = recorded.map((file) => readSeries(JSON.parse(readFileSync(join(folder, file), 'utf8'))))
  const further = furtherSources(series, examples.map(readSeries))
  report(
    `forecaster: ${traces.length} traces, minutes of ${recorded.length} PoPs, ${examples.length} incidents, generated traffic`,
  )
  const { epochs, ...generated } = quick ? QUICK : { ...FULL, epochs: wanted }
  const training = { seed, epochs, batch: 64, learningRate: 1.5e-3, generated, traces, further, report }
  const trained = await trainForecaster(training)
  const model = exportModel(FORECASTER_SHAPE, trained.parameters, 'int8')
  const fp32 = exportModel(FORECASTER_SHAPE, trained.parameters, 'fp32')
  const quantisation = await compareForms(model, fp32, trained.sources, seed)
  const session = await ForecastSession.open(model)
  const command = `trained by central: seed ${seed}, ${epochs} epochs`
  const forecaster = await describeForecaster({
    model,
    session,
    training: { ...training, epochs: Math.ceil(epochs) },
    trained,
    quantisation,
    errors: [],
    command,
  })
  await session.release()
  const { forest } = JSON.parse(readFileSync(SHIPPED, 'utf8')) as { forest: unknown }
  const manifest = parseManifest({ v: 1, forecaster, forest })
  const { sha256 } = manifest.forecaster.file
  const files = { model: 'forecaster.onnx', fp32: 'forecaster.fp32.onnx', manifest: 'manifest.json', sha256 }
  writeFileSync(join(folder, files.model), model)
  writeFileSync(join(folder, files.fp32), fp32)
  writeFileSync(join(folder, files.manifest), JSON.stringify(manifest))
  report(`forecaster: ${manifest.forecaster.name}, ${model.length} bytes`)
  return files
}
