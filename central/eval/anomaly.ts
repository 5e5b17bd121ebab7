import { AtlasError } from '../../contract/errors.ts'
import { evaluateMachines } from './machine-report.ts'
import { readMachines } from './machines.ts'
import { readNab } from './nab-corpus.ts'
import { evaluateNab } from './nab-report.ts'
import type { EvalOptions, Result } from './report.ts'
import { evaluateTickAlerts } from './tick-alerts.ts'

/**
 * How well anomalies are found: one series at a time (NAB), over the many measures of a machine (SMD, ASD), and in the ticks of
 * generated sites.
 */
export default async function* evaluateAnomaly(options: EvalOptions): AsyncIterable<Result> {
  const corpus = readNab(options.dataDir)
  const machines = readMachines(options.dataDir)
  if (corpus.length === 0 && machines.length === 0)
    throw new AtlasError(
      'config/invalid',
      `${options.dataDir} has neither test/nab nor train/smd or train/asd`,
    )
  if (corpus.length > 0) yield* evaluateNab(corpus, options)
  if (machines.length > 0) yield* evaluateMachines(machines, options)
  yield* evaluateTickAlerts(options)
}
