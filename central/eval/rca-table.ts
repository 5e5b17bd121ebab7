import { baselinesOf, PUBLISHED, type Recall } from './rca-baselines.ts'
import { type ScoredIssue, share } from './rca-score.ts'

/** Recalls by scenario and metric beside the published ones and the best of the simple methods, in Markdown. */
export function recallTable(scored: readonly ScoredIssue[], baselines: readonly Recall[]): string[] {
  const lines = [
    '| scenario | metric | n | top-1 | top-3 | published top-1 | top-3 | best simple top-1 | top-3 |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ]
  const groups = Map.groupBy(scored, ({ scenario, metric }) => `${scenario}\n${metric}`)
  for (const issues of groups.values()) {
    const [{ scenario, metric } = { scenario: '', metric: 'latency' as const }] = issues
    const peers = baselinesOf(baselines, scenario, metric)
    const published = peers.find(({ method }) => method === PUBLISHED)
    const simple = peers.filter(({ method }) => method !== PUBLISHED)
    lines.push(
      `| ${[
        scenario,
        metric,
        issues.length,
        figure(share(issues, ({ rank }) => rank <= 1)),
        figure(share(issues, ({ rank }) => rank <= 3)),
        figure(published?.top1),
        figure(published?.top3),
        figure(Math.max(...simple.map(({ top1 }) => top1))),
        figure(Math.max(...simple.map(({ top3 }) => top3))),
      ].join(' | ')} |`,
    )
  }
  return lines
}

function figure(value: number | undefined): string {
  return value !== undefined && Number.isFinite(value) ? value.toFixed(3) : '–'
}
