import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AtlasError } from '../../contract/errors.ts'
import type { NabWindow } from './nab-scorer.ts'

/** One labelled file of the Numenta Anomaly Benchmark. */
export interface NabFile {
  /** Category and file, as the labels name it: `realTweets/Twitter_volume_KO.csv`. */
  readonly name: string
  readonly category: string
  /** Milliseconds, the file's local time read as UTC. */
  readonly timeMs: Float64Array
  readonly values: Float64Array
  readonly windows: readonly NabWindow[]
}

/**
 * Reads `test/nab` of a data folder: `data/CATEGORY/FILE.csv` (`timestamp,value`) and `labels/combined_windows.json`.
 * @returns the files by name; none where the folder has no such benchmark
 * @throws AtlasError `config/invalid` that names the file and what is wrong with it
 */
export function readNab(dataFolder: string): NabFile[] {
  const folder = join(dataFolder, 'test/nab')
  const labelFile = join(folder, 'labels/combined_windows.json')
  if (!existsSync(labelFile)) return []
  const labels = JSON.parse(readFileSync(labelFile, 'utf8')) as Record<string, [string, string][]>
  return readdirSync(join(folder, 'data'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => {
      const limits = labels[name]
      if (limits === undefined) throw new AtlasError('config/invalid', `${labelFile}: no windows of ${name}`)
      return parseNab(name, readFileSync(join(folder, 'data', name), 'utf8'), limits)
    })
}

/** @throws AtlasError `config/invalid` */
function parseNab(name: string, text: string, limits: readonly (readonly [string, string])[]): NabFile {
  const rows = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(','))
  const timeMs = Float64Array.from(rows, ([time = '']) => parseTime(time))
  const values = Float64Array.from(rows, ([, value = '']) => Number.parseFloat(value))
  const bad = rows.findIndex((_, row) => !Number.isFinite(timeMs[row]) || !Number.isFinite(values[row]))
  if (bad >= 0) throw new AtlasError('config/invalid', `${name}: line ${bad + 2} is not "timestamp,value"`)
  const rowOf = (time: string): number => {
    const row = timeMs.indexOf(parseTime(time))
    if (row < 0) throw new AtlasError('config/invalid', `${name}: a window's limit ${time} is no row`)
    return row
  }
  const windows = limits.map(([first, last]) => ({ first: rowOf(first), last: rowOf(last) }))
  return { name, category: name.split('/')[0] ?? '', timeMs, values, windows }
}

function parseTime(text: string): number {
  return Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`)
}
