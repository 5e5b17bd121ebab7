import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../contract/errors.ts'
import { fitAdaptations } from './fit-adaptations.node.ts'
import { type FittedAdaptation, JOB_FILE, RESULT_FILE, type TrainingJob, type TrainingResult } from './job.ts'
import { trainGlobal } from './train-global.node.ts'

/**
 * One training, as a process of its own that central starts and can end: reads `job.json` of the folder it is given, says a line
 * for each step on stdout, and writes `result.json` there. It knows neither NATS nor any key.
 */
async function main(folder: string): Promise<void> {
  const job = JSON.parse(readFileSync(join(folder, JOB_FILE), 'utf8')) as TrainingJob
  const report = (line: string) => process.stdout.write(`${line}\n`)
  const { seed, quick } = job
  const global = job.global === null ? null : await trainGlobal(job, job.global, folder, report)
  const own = global === null ? [] : [{ sha256: global.sha256, file: global.model }]
  const adaptations: FittedAdaptation[] = []
  for (const wanted of job.adaptations) {
    const beside = [...wanted.beside, ...own]
    adaptations.push(...(await fitAdaptations({ ...wanted, beside }, { folder, seed, quick }, report)))
  }
  const result: TrainingResult = { adaptations, global }
  writeFileSync(join(folder, RESULT_FILE), JSON.stringify(result))
}

try {
  await main(process.argv[2] ?? '.')
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = 1
}
