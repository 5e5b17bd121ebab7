import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { FaultMetric } from '../../contract/alert.ts'

/** Top-k recall of one method on one scenario and metric. */
export interface Recall {
  readonly method: string
  readonly scenario: string
  readonly metric: FaultMetric
  readonly n: number
  readonly top1: number
  readonly top3: number
}

/** Name under which the published anomaly traversal is listed. */
export const PUBLISHED = 'published traversal'

/**
 * Recalls of other methods in `rca-baselines.json`: the published anomaly traversal, and simple methods beside it.
 * Empty when the folder has no such file.
 */
export function readBaselines(dataDir: string): Recall[] {
  const file = path.join(dataDir, 'rca-baselines.json')
  if (!existsSync(file)) return []
  const recalls: Recall[] = []
  for (const [group, entries] of Object.entries(record(JSON.parse(readFileSync(file, 'utf8'))))) {
    if (group.startsWith('published_petshop')) recalls.push(...published(record(entries)))
    else if (group === 'ours')
      for (const [method, scenarios] of Object.entries(record(entries)))
        recalls.push(...simple(method, record(scenarios)))
  }
  return recalls
}

/** A scenario such as `temporal_traffic1` is a part of the published `temporal_traffic`. */
export function baselinesOf(recalls: readonly Recall[], scenario: string, metric: FaultMetric): Recall[] {
  return recalls.filter((recall) => recall.metric === metric && scenario.startsWith(recall.scenario))
}

/** `{ scenario: { "latency n=14": { top1, top3 } } }` */
function published(scenarios: Record<string, unknown>): Recall[] {
  return Object.entries(scenarios).flatMap(([scenario, metrics]) =>
    Object.entries(record(metrics)).flatMap(([name, recall]) => {
      const [, metric, n] = /^(latency|availability) n=(\d+)$/.exec(name) ?? []
      const { top1, top3 } = record(recall)
      return metric === undefined
        ? []
        : [
            {
              method: PUBLISHED,
              scenario,
              metric: metric as FaultMetric,
              n: Number(n),
              top1: Number(top1),
              top3: Number(top3),
            },
          ]
    }),
  )
}

/** `{ scenario: { by_metric: { latency: { n, "AC@1", "AC@3" } } } }` */
function simple(method: string, scenarios: Record<string, unknown>): Recall[] {
  return Object.entries(scenarios).flatMap(([scenario, figures]) =>
    Object.entries(record(record(figures).by_metric)).map(([metric, recall]) => {
      const { n, 'AC@1': top1, 'AC@3': top3 } = record(recall)
      return {
        method,
        scenario,
        metric: metric as FaultMetric,
        n: Number(n),
        top1: Number(top1),
        top3: Number(top3),
      }
    }),
  )
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
