import type { FaultMetric } from '../../contract/alert.ts'
import type { ModuleHistory, ModuleWindows } from '../../core-wasm/root-cause/module-metrics.ts'
import {
  type Diagnosis,
  type RootCauseOptions,
  rankRootCauses,
} from '../../core-wasm/root-cause/rank-root-causes.ts'
import { historiesAt, normalOf, ordinarySplits } from './rca-histories.ts'
import type { Issue, Scenario } from './rca-petshop.ts'

/** An issue with all that a diagnosis may see of it. */
export interface Case {
  readonly scenario: Scenario
  readonly issue: Issue
  readonly history: ReadonlyMap<string, ModuleHistory>
}

export interface ScoredIssue {
  readonly scenario: string
  readonly name: string
  readonly metric: FaultMetric
  /** Place of the true module among the suspects, from 1; Infinity when it is not there. */
  readonly rank: number
  /** Whether the anomaly was told from chance. */
  readonly alarmed: boolean
  readonly first: string | undefined
}

export function casesOf(scenario: Scenario): Case[] {
  const normals = new Map<string, Map<string, ModuleWindows>>()
  return scenario.issues.map((issue) => {
    const normal = normals.get(issue.statistic) ?? normalOf(scenario.normal, issue.statistic)
    normals.set(issue.statistic, normal)
    return { scenario, issue, history: historiesAt(normal, issue) }
  })
}

/** Diagnoses an issue; only its front door and metric are told, as an alarm would tell them. */
export function scoreCase(
  { scenario, issue, history }: Case,
  options: Partial<RootCauseOptions> = {},
): ScoredIssue {
  const diagnosis = rankRootCauses(scenario.graph, history, issue.front, options)
  return {
    scenario: scenario.name,
    name: issue.name,
    metric: issue.front.metric,
    rank: rankOf(issue, diagnosis),
    alarmed: diagnosis.verdict === 'anomalous',
    first: diagnosis.suspects[0]?.module,
  }
}

function rankOf({ rootCause }: Issue, { suspects }: Diagnosis): number {
  const at = suspects.findIndex(
    ({ module, metric }) =>
      module === rootCause.module && (rootCause.metric === null || rootCause.metric === metric),
  )
  return at < 0 ? Number.POSITIVE_INFINITY : at + 1
}

/**
 * For each front door and metric, spans of ordinary operation: whether each was left in peace, that is told from an
 * anomaly or blamed on no module behind the front door.
 */
export function specificities(scenario: Scenario): { metric: FaultMetric; quiet: boolean[] }[] {
  const fronts = new Map(
    scenario.issues.map((issue) => [JSON.stringify([issue.front, issue.statistic]), issue]),
  )
  return [...fronts.values()].map(({ front, statistic }) => ({
    metric: front.metric,
    quiet: ordinarySplits(normalOf(scenario.normal, statistic)).map((metrics) => {
      const { verdict, suspects } = rankRootCauses(scenario.graph, metrics, front)
      return verdict !== 'anomalous' || suspects[0]?.module === front.module
    }),
  }))
}

/** Share of the items for which it holds; NaN of none. */
export function share<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  return items.filter(holds).length / items.length
}
