import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { readBaselines } from './rca-baselines.ts'
import { readScenario, type Scenario, scenarioNames } from './rca-petshop.ts'
import { ablation, sensitivity } from './rca-robustness.ts'
import { type Case, casesOf, type ScoredIssue, scoreCase, share, specificities } from './rca-score.ts'
import { recallTable } from './rca-table.ts'
import type { Result } from './report.ts'

export interface RcaOptions {
  /** Folder laid out like the shared data: the scenarios lie in `FOLDER/rca_petshop/SCENARIO`. */
  readonly dataDir: string
  /** Leaves out the specificity on ordinary operation, the sensitivity to the settings and the ablations. */
  readonly quick: boolean
  /** Says what is going on, and the table at the end; not part of the results. */
  log(line: string): void
}

/**
 * Evaluates root-cause ranking on every PetShop scenario below `dataDir`, by the protocol of the dataset's authors:
 * an issue counts as found in the top k when its true module is among the first k suspects (and its metric, where the
 * truth names one); the issue's front door and metric are given, its truth is not. One setting for all.
 *
 * Yields `rca.top1|top3.SCENARIO.METRIC`, `rca.top1|top3` over all, and beside them
 * `rca.alarmed.SCENARIO.METRIC`, the share of issues that were told from chance,
 * `rca.specificity.SCENARIO.METRIC`, the share of spans of ordinary operation in which no module behind the front
 * door was accused; over all, `rca.sensitivity.SETTING` and `rca.without.WHAT` (see rca-robustness.ts).
 */
export default async function* rca({ dataDir, quick, log }: RcaOptions): AsyncIterable<Result> {
  const cases: Case[] = []
  const scored: ScoredIssue[] = []
  for (const folder of scenarioFolders(dataDir)) {
    const scenario = readScenario(folder, log)
    if (scenario === null) {
      log(`${path.basename(folder)}: no metrics here, left out`)
      continue
    }
    log(`${scenario.name}: ${scenario.issues.length} issues`)
    const casesHere = casesOf(scenario)
    const scoredHere = casesHere.map((one) => scoreCase(one))
    cases.push(...casesHere)
    scored.push(...scoredHere)
    yield* recalls(scenario.name, scoredHere)
    if (!quick && scenario.ownNormal) yield* specificity(scenario)
  }
  if (scored.length === 0)
    throw new Error(`no PetShop scenario with metrics in ${path.join(dataDir, 'FOLDER', 'rca_petshop')}`)
  yield fraction('rca.top1', scored, ({ rank }) => rank <= 1)
  yield fraction('rca.top3', scored, ({ rank }) => rank <= 3)
  if (!quick) {
    yield* sensitivity(cases)
    yield* ablation(cases)
  }
  for (const { scenario, name, rank, first } of scored)
    if (rank > 1) log(`${scenario}/${name}: the truth is number ${rank}, first is ${first ?? 'nobody'}`)
  for (const line of recallTable(scored, readBaselines(dataDir))) log(line)
}

function scenarioFolders(dataDir: string): string[] {
  if (!existsSync(dataDir)) return []
  return readdirSync(dataDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(dataDir, entry.name, 'rca_petshop'))
    .flatMap((home) => scenarioNames(home).map((name) => path.join(home, name)))
}

function* recalls(scenario: string, scored: readonly ScoredIssue[]): Iterable<Result> {
  for (const [metric, issues] of Map.groupBy(scored, (issue) => issue.metric)) {
    yield fraction(`rca.top1.${scenario}.${metric}`, issues, ({ rank }) => rank <= 1)
    yield fraction(`rca.top3.${scenario}.${metric}`, issues, ({ rank }) => rank <= 3)
    yield fraction(`rca.alarmed.${scenario}.${metric}`, issues, ({ alarmed }) => alarmed)
  }
}

function* specificity(scenario: Scenario): Iterable<Result> {
  for (const [metric, fronts] of Map.groupBy(specificities(scenario), (front) => front.metric)) {
    const spans = fronts.flatMap(({ quiet }) => quiet)
    yield fraction(`rca.specificity.${scenario.name}.${metric}`, spans, (quiet) => quiet)
  }
}

function fraction<Item>(key: string, items: readonly Item[], holds: (item: Item) => boolean): Result {
  return { key, value: share(items, holds), unit: 'share', n: items.length }
}
