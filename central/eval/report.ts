import { readFileSync } from 'node:fs'
import os from 'node:os'

/** One measured figure, as the benchmarks write them too. */
export interface Result {
  readonly key: string
  readonly value: number
  readonly unit: string
  /** From how many files, rows or rounds. */
  readonly n: number
}

export interface EvalOptions {
  /** Laid out like the project's data folder. */
  readonly dataDir: string
  /** Leaves out what only studies the method: sensitivity, cross-validation, slow baselines. */
  readonly quick: boolean
  /** Progress; not part of the results. */
  log(line: string): void
  /** Tables for people. */
  print(text: string): void
}

/** An area of the evaluation: prints its tables and yields results as they are measured. */
export type EvalArea = (options: EvalOptions) => AsyncIterable<Result>

interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly os: string
  readonly node: string
  readonly loadAverage1m: number
  readonly atUtc: string
}

/** The machine that the figures are from. */
export function machineDetails(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    os: osName(),
    node: process.version,
    loadAverage1m: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    atUtc: new Date().toISOString(),
  }
}

/** A Markdown table; numbers are written with `digits` decimals. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  digits = 1,
): string {
  const cell = (value: string | number): string => {
    if (typeof value === 'string') return value
    if (!Number.isFinite(value)) return '–'
    return Number.isInteger(value) ? String(value) : value.toFixed(digits)
  }
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function osName(): string {
  try {
    return /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.platform()
  } catch {
    return `${os.platform()} ${os.release()}`
  }
}
