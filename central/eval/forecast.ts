import { readFileSync } from 'node:fs'
import { AtlasError } from '../../contract/errors.ts'
import { parseManifest } from '../../contract/model/manifest.ts'
import { verifyModelFile } from '../../contract/model/model-file.ts'
import { readBaselines } from '../train/evaluate.node.ts'
import { ForecastSession } from '../train/forecast-session.node.ts'
import { referenceOf } from '../train/reference.ts'
import { allTraces } from '../train/traces.node.ts'
import { RAMPS, surgeLeads } from './forecast-surges.ts'
import { scoreTrace, type TraceScore } from './forecast-trace.ts'
import type { EvalOptions, Result } from './report.ts'

const MODELS = new URL('../../models/', import.meta.url)
/** When quick: only traces of at most so many samples. */
const QUICK_SAMPLES = 15_000
/** Requests that one counted request stands for: live, and as the replay sends them. */
const COUNTED = { live: 1, replay: 600 }
const HEAD = [
  'trace',
  'min',
  'reference',
  'zero-shot',
  'champion',
  'covered',
  'persistence',
  'holt',
  'ridge',
  'gb',
]
/** The published baseline that adapted forecasts are held against, at horizons of at least so many minutes. */
const RIVAL = { method: 'hgb_lags60_tod', fromMin: 15 }
const SHOWN = ['persistence', 'holt_damped', 'ridge_ar60_tod', 'hgb_lags60_tod']

/**
 * Measures the shipped forecaster on every trace of the data folder, by the protocol of `forecast-baselines.json`: WAPE of the
 * champion (adapted to the first 70 %), of it as shipped (zero-shot), of the reference LSTM alone, and beside them the
 * published baselines, with the mean gain over the strongest of them; the coverage of p10 to p90; calls of surges that none followed; and how long before a flash
 * sale's ramp passes 5,000 RPS it is called.
 */
export default async function* evalForecast(options: EvalOptions): AsyncIterable<Result> {
  const { dataDir, quick, log, print } = options
  const { forecaster } = parseManifest(JSON.parse(readFileSync(new URL('manifest.json', MODELS), 'utf8')))
  const bytes = new Uint8Array(readFileSync(new URL(forecaster.file.path, MODELS)))
  await verifyModelFile(bytes, forecaster.file)
  const session = await ForecastSession.open(bytes)
  const baselines = readBaselines(dataDir)
  const traces = allTraces(dataDir).filter(({ series }) => !quick || series.rps.length <= QUICK_SAMPLES)
  log(`forecast: ${forecaster.name} on ${traces.map(({ name }) => name).join(', ') || 'no trace'}`)
  if (traces.length === 0)
    throw new AtlasError('config/invalid', `there are no traces in ${dataDir}/*/traffic`)
  print(row(HEAD))
  const gains: number[] = []
  for (const trace of traces) {
    const reference = await referenceOf(session, trace.series)
    const { horizons, falseSurges } = scoreTrace(trace, (origin) => reference[origin] ?? null)
    for (const score of horizons) {
      const published = baselines[trace.name]?.[score.minutes] ?? {}
      print(tableRow(trace.name, score, published))
      yield* resultsOf(trace.name, score, published)
      const rival = published[RIVAL.method]
      if (rival !== undefined && score.minutes >= RIVAL.fromMin)
        gains.push(100 * (1 - score.champion / rival))
    }
    for (const { factor, perWeek, minutes } of falseSurges)
      yield {
        key: `forecast.surge.false.${trace.name}.x${factor}`,
        value: perWeek,
        unit: '1/week',
        n: minutes,
      }
  }
  if (gains.length > 0) {
    const value = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
    print(
      `adapted, from +${RIVAL.fromMin} min on: on average ${value.toFixed(1)} % better than ${RIVAL.method}`,
    )
    yield { key: `forecast.gain.${RIVAL.method}`, value, unit: '%', n: gains.length }
  }
  for (const ramp of RAMPS) {
    for (const [noise, counted] of Object.entries(COUNTED)) {
      const leads = await surgeLeads(session, ramp, counted)
      const key = `forecast.surge.lead.${ramp.form}.${ramp.minutes}.${noise}`
      const [least = Number.NaN, median = Number.NaN] = [leads[0], leads[leads.length >> 1]]
      print(`${key}: ${median.toFixed(1)} min ahead, at least ${least.toFixed(1)} (${leads.length} seeds)`)
      yield { key, value: median, unit: 'min', n: leads.length }
      yield { key: `${key}.least`, value: least, unit: 'min', n: leads.length }
    }
  }
  await session.release()
}

function* resultsOf(
  trace: string,
  score: TraceScore,
  published: Readonly<Record<string, number>>,
): Iterable<Result> {
  const { minutes, origins: n } = score
  const percent = (key: string, value: number): Result => ({ key: `forecast.${key}`, value, unit: '%', n })
  const at = `${trace}.${minutes}`
  yield percent(`wape.${at}.champion`, score.champion)
  yield percent(`wape.${at}.reference`, score.reference)
  for (const [method, wape] of Object.entries(published)) yield percent(`wape.${at}.${method}`, wape)
  yield percent(`zeroshot.wape.${at}.champion`, score.zeroShot)
  yield percent(`coverage.${at}`, score.coverage.champion)
  yield percent(`zeroshot.coverage.${at}`, score.coverage.zeroShot)
  yield percent(`reference.coverage.${at}`, score.coverage.reference)
}

function tableRow(trace: string, score: TraceScore, published: Readonly<Record<string, number>>): string {
  const { minutes, reference, zeroShot, champion, coverage } = score
  const figures = [
    reference,
    zeroShot,
    champion,
    coverage.champion,
    ...SHOWN.map((method) => published[method]),
  ]
  return row([trace, String(minutes), ...figures.map((figure) => figure?.toFixed(2) ?? '–')])
}

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => (at === 0 ? cell.padEnd(22) : cell.padStart(at === 1 ? 4 : 12))).join('')
}
