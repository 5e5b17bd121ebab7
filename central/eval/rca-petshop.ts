import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { FaultMetric } from '../../contract/alert.ts'
import type { CallGraph } from '../../core-wasm/root-cause/call-graph.ts'
import { parseCsv } from './rca-csv.ts'

/** One injected fault of the PetShop dataset (Hardt et al. 2024, arXiv:2311.04806). */
export interface Issue {
  readonly name: string
  readonly front: { readonly module: string; readonly metric: FaultMetric }
  /** Statistic of the latencies at the front door, e.g. `Average`. */
  readonly statistic: string
  /** When the alarm was raised, Unix seconds; NaN where unknown. */
  readonly alarmAtS: number
  readonly rootCause: { readonly module: string; readonly metric: FaultMetric | null }
  readonly metrics: MetricTable
}

export interface Scenario {
  readonly name: string
  readonly graph: CallGraph
  readonly normal: MetricTable
  /** The ordinary operation is this scenario's, not a neighbour's. */
  readonly ownNormal: boolean
  readonly issues: readonly Issue[]
}

/** A `metrics.csv`: rows are windows, columns are module × metric × statistic. */
export interface MetricTable {
  /** Start of each window, Unix seconds. */
  readonly startsS: readonly number[]
  readonly modules: readonly string[]
  /** A column by module, metric and statistic; undefined where the file has none. */
  column(module: string, metric: string, statistic: string): readonly number[] | undefined
}

/** Names of the scenarios below a `rca_petshop` folder, in order. */
export function scenarioNames(folder: string): string[] {
  if (!existsSync(folder)) return []
  return folders(folder).filter((name) => existsSync(path.join(folder, name, 'graph.csv')))
}

/**
 * Reads one scenario: `graph.csv`, `noissue/metrics.csv`, `{train,test}/issue_N/{metrics.csv,target.json}`. Issues
 * without metrics, or whose target is another metric, are left out and said so. A scenario without ordinary operation of
 * its own is held against that of the first scenario beside it, which is the same application at another traffic.
 * @returns null when there are no metrics of ordinary operation at all, or no issues
 */
export function readScenario(folder: string, log: (line: string) => void = () => {}): Scenario | null {
  const own = ordinary(folder)
  const normal =
    own ??
    siblings(folder)
      .map(ordinary)
      .find((file) => file !== null)
  if (normal === null || normal === undefined) return null
  if (own === null)
    log(
      `${path.basename(folder)}: ordinary operation is taken from ${path.basename(path.dirname(path.dirname(normal)))}`,
    )
  const issues = ['train', 'test'].flatMap((split) =>
    folders(path.join(folder, split)).flatMap((name) => {
      const issue = readIssue(path.join(folder, split, name), `${split}/${name}`)
      if (issue === null)
        log(`${path.basename(folder)}/${split}/${name}: not an issue that can be read, left out`)
      return issue ?? []
    }),
  )
  if (issues.length === 0) return null
  return {
    name: path.basename(folder),
    graph: parseGraph(readFileSync(path.join(folder, 'graph.csv'), 'utf8')),
    normal: parseMetrics(readFileSync(normal, 'utf8')),
    ownNormal: own !== null,
    issues,
  }
}

function ordinary(folder: string): string | null {
  const file = path.join(folder, 'noissue', 'metrics.csv')
  return existsSync(file) ? file : null
}

function siblings(folder: string): string[] {
  const parent = path.dirname(folder)
  return scenarioNames(parent).map((name) => path.join(parent, name))
}

function readIssue(folder: string, name: string): Issue | null {
  const [metrics, target] = [path.join(folder, 'metrics.csv'), path.join(folder, 'target.json')]
  if (!existsSync(metrics) || !existsSync(target)) return null
  const told = TARGET.safeParse(JSON.parse(readFileSync(target, 'utf8')))
  if (!told.success) return null
  const { target: front, root_cause: cause } = told.data
  return {
    name,
    front: { module: front.node, metric: front.metric },
    statistic: front.agg,
    alarmAtS: front.timestamp ?? Number.NaN,
    rootCause: { module: cause.node, metric: cause.metric ?? null },
    metrics: parseMetrics(readFileSync(metrics, 'utf8')),
  }
}

const METRIC = z.enum(['latency', 'availability'])
const TARGET = z.object({
  target: z.object({
    node: z.string(),
    metric: METRIC,
    agg: z.string().default('Average'),
    timestamp: z.number().nullish(),
  }),
  root_cause: z.object({ node: z.string(), metric: METRIC.nullish() }),
})

/** An adjacency matrix with names: a row calls the columns whose entry is not 0. */
export function parseGraph(text: string): CallGraph {
  const [header = [], ...rows] = parseCsv(text)
  const calls = rows.flatMap(([caller = '', ...entries]) =>
    entries.flatMap((entry, at) => (Number(entry) > 0 ? [{ caller, callee: header[at + 1] ?? '' }] : [])),
  )
  return { calls }
}

/** Three header rows (module, metric, statistic), perhaps the index's name, then a row a window. */
export function parseMetrics(text: string): MetricTable {
  const [modules = [], metrics = [], statistics = [], ...rest] = parseCsv(text)
  const rows = rest.filter(([start = '']) => start !== '' && Number.isFinite(Number(start)))
  const places = new Map<string, number>()
  for (let at = 1; at < modules.length; at++)
    places.set(JSON.stringify([modules[at], metrics[at], statistics[at]]), at)
  return {
    startsS: rows.map(([start]) => Number(start)),
    modules: [...new Set(modules.slice(1))],
    column(module, metric, statistic) {
      const at = places.get(JSON.stringify([module, metric, statistic]))
      return at === undefined ? undefined : rows.map((row) => number(row[at]))
    },
  }
}

function number(cell: string | undefined): number {
  return cell === undefined || cell === '' ? Number.NaN : Number(cell)
}

/** Visible folders, `issue_2` before `issue_10`. */
function folders(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
