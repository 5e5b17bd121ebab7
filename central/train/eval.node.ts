import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { parseManifest, type TraceError } from '../../contract/model/manifest.ts'
import { verifyModelFile } from '../../contract/model/model-file.ts'
import { errorTable } from './error-table.ts'
import { evaluateTrace, readBaselines } from './evaluate.node.ts'
import { ForecastSession } from './forecast-session.node.ts'
import { allTraces, dataFolder } from './traces.node.ts'

const HELP = `Measures the shipped forecaster on recorded traces, as it is (zero-shot), by the protocol of forecast-baselines.json.

  npm run eval -- forecast [--data DIR] [--json FILE]

  --data DIR   a folder laid out like ../shared/data (default: $ATLAS_DATA, else ../shared/data)
  --json FILE  writes { machine, results: [{ key, value, unit, n }] }`

const MODELS = new URL('../../models/', import.meta.url)

async function evalForecast(folder: string): Promise<TraceError[]> {
  const { forecaster } = parseManifest(JSON.parse(readFileSync(new URL('manifest.json', MODELS), 'utf8')))
  const bytes = new Uint8Array(readFileSync(new URL(forecaster.file.path, MODELS)))
  await verifyModelFile(bytes, forecaster.file)
  const trainedOn = new Set(forecaster.training.sources.map(({ name }) => name))
  const session = await ForecastSession.open(bytes)
  const baselines = readBaselines(folder)
  const errors: TraceError[] = []
  for (const trace of allTraces(folder)) {
    const seen = trainedOn.has(trace.name) ? 'fit part' : 'never'
    errors.push(await evaluateTrace(session, trace, seen, baselines))
  }
  await session.release()
  return errors
}

function resultsOf(errors: readonly TraceError[]) {
  return errors.flatMap(({ trace, horizons }) =>
    Object.entries(horizons).flatMap(([minutes, { model, coverage, origins }]) => [
      { key: `forecast.zeroshot.wape.${trace}.${minutes}.champion`, value: model, unit: '%', n: origins },
      { key: `forecast.coverage.${trace}.${minutes}`, value: coverage, unit: '%', n: origins },
    ]),
  )
}

function machine() {
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB,
    node: process.version,
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) console.log(HELP)
  else {
    const [area = 'forecast', ...more] = positionals
    if (area !== 'forecast' || more.length > 0)
      throw new AtlasError(
        'config/invalid',
        `there is no eval "${positionals.join(' ')}"; there is: forecast`,
      )
    const folder = values.data === undefined ? dataFolder() : resolve(values.data)
    const errors = folder === null ? [] : await evalForecast(folder)
    if (errors.length === 0)
      throw new AtlasError('config/invalid', 'no traces found; name a folder with --data or in ATLAS_DATA')
    console.log(errorTable(errors))
    if (values.json !== undefined)
      writeFileSync(
        values.json,
        `${JSON.stringify({ machine: machine(), results: resultsOf(errors) }, null, 2)}\n`,
      )
  }
} catch (thrown) {
  console.error(`eval: ${messageOf(thrown)}`)
  process.exitCode = 1
}
