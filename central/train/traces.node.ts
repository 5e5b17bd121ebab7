import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AtlasError } from '../../contract/errors.ts'
import type { TrafficSeries } from './traffic-series.ts'

/** A recorded trace with where it came from. */
export interface Trace {
  readonly name: string
  readonly sha256: string
  readonly series: TrafficSeries
}

/** Traces that may be looked at but never trained on: their licence allows evaluation only. */
const EVALUATION_ONLY = new Set(['worldcup98_1m'])
/** Traces whose values are requests a second already; all others are counts a step. */
const PER_SECOND = /^servegen_/

/** Share of a trace that may be fitted on; the rest tests. The protocol's. */
export const FIT_SHARE = 0.7

/** The data folder: `$ATLAS_DATA`, else `../shared/data` beside the repository; null where there is none. */
export function dataFolder(): string | null {
  const folder = process.env.ATLAS_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
  return existsSync(folder) ? resolve(folder) : null
}

/** All traces a model may be trained on: `train/traffic` and `extra/traffic`, less those for evaluation only. */
export function trainingTraces(folder: string): Trace[] {
  return ['train', 'extra']
    .flatMap((part) => tracesIn(join(folder, part, 'traffic')))
    .filter(({ name }) => !EVALUATION_ONLY.has(name))
}

/** All traces, for evaluation. */
export function allTraces(folder: string): Trace[] {
  return ['test', 'train', 'extra'].flatMap((part) => tracesIn(join(folder, part, 'traffic')))
}

/**
 * Reads `timestamp_utc,value` on a regular grid; an empty value is a missing sample.
 * @throws AtlasError `config/invalid` that names file and line
 */
export function parseTrace(name: string, text: string): TrafficSeries {
  const fail = (line: number, message: string): never => {
    throw new AtlasError('config/invalid', `${name}: line ${line}: ${message}`)
  }
  const rows = text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((row, index) => {
      const [stamp = '', value = ''] = row.split(',')
      const atMs = Date.parse(stamp)
      if (Number.isNaN(atMs)) fail(index + 2, `${JSON.stringify(stamp)} is not a time`)
      const number = value.trim() === '' ? Number.NaN : Number(value)
      if (value.trim() !== '' && !Number.isFinite(number))
        fail(index + 2, `${JSON.stringify(value)} is not a number`)
      return { atMs, value: number }
    })
  const [first, second] = rows
  if (first === undefined || second === undefined) return fail(1, 'needs at least two samples')
  const stepS = (second.atMs - first.atMs) / 1000
  if (!(stepS > 0)) fail(3, 'times must rise')
  const off = rows.findIndex(({ atMs }, index) => atMs !== first.atMs + index * stepS * 1000)
  if (off >= 0) fail(off + 2, `leaves the grid of ${stepS} s`)
  const unitS = PER_SECOND.test(name) ? 1 : stepS
  return { name, stepS, startMs: first.atMs, rps: Float64Array.from(rows, ({ value }) => value / unitS) }
}

function tracesIn(folder: string): Trace[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.csv'))
    .sort()
    .map((file) => {
      const bytes = readFileSync(join(folder, file))
      const name = basename(file, '.csv')
      return {
        name,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        series: parseTrace(name, bytes.toString('utf8')),
      }
    })
}
