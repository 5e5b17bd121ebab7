import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { adapt } from './adapt.ts'
import { BOOSTING } from './boosting.ts'
import { ForecastSession } from './forecast-session.node.ts'
import { referenceOf } from './reference.ts'
import { parseTrace } from './traces.node.ts'

const MODEL = new URL('../../models/forecaster.onnx', import.meta.url)

/**
 * Fits a recorded series' own regressions beside the shipped forecaster, and writes `adapted-NAME.json` (see Adapted).
 * @throws AtlasError `config/invalid` when the file is no trace
 */
export async function adaptTo(options: { on: string; seed: number; out: string }): Promise<string> {
  const name = basename(options.on, '.csv')
  const series = parseTrace(name, readFileSync(options.on, 'utf8'))
  const session = await ForecastSession.open(new Uint8Array(readFileSync(MODEL)))
  const reference = await referenceOf(session, series)
  await session.release()
  const adapted = adapt(series, series.rps.length, (origin) => reference[origin] ?? null, {
    seed: options.seed,
    boosting: BOOSTING,
  })
  mkdirSync(options.out, { recursive: true })
  const file = join(options.out, `adapted-${name}.json`)
  writeFileSync(file, `${JSON.stringify(adapted)}\n`)
  return file
}
