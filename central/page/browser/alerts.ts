import type { SuspectModule } from '../../../contract/messages.ts'
import type { AlertExplanation } from '../../explain/explain-alert.ts'
import type { Alert } from '../../ingest/alert-book.ts'
import { FAULT_WORDS, moduleWords, seriesWords } from './anomaly-words.ts'
import { element } from './dom.ts'
import { duration, timeOfDay } from './format.ts'

/** One alert, folded; opening it asks central what was odd and who is suspected. */
export function alertNode(alert: Alert, ask: (alert: Alert) => Promise<AlertExplanation>): HTMLElement {
  const node = element(
    'details',
    { class: 'decision' },
    element(
      'summary',
      {},
      element('time', { datetime: isoOf(alert.sinceMs) }, timeOfDay(alert.sinceMs)),
      ' ',
      element('b', { class: alert.state === 'open' ? 'bad' : '' }, alert.level),
      ` ${stateWords(alert)}`,
      ...[firstSuspect(alert), oddWords(alert)].flatMap((words) => (words ? [` · ${words}`] : [])),
    ),
  )
  node.addEventListener('toggle', () => {
    if (!node.open || node.childElementCount > 1) return
    ask(alert).then(
      (explanation) => node.append(...explanationNodes(explanation)),
      (thrown: unknown) => node.append(element('p', { class: 'bad' }, `no explanation: ${String(thrown)}`)),
    )
  })
  return node
}

function stateWords({ state, sinceMs, endMs }: Alert): string {
  if (state === 'open') return 'open'
  if (state === 'lost') return 'end unknown'
  return endMs === null ? 'over' : `over after ${duration(endMs - sinceMs)}`
}

function firstSuspect({ suspects }: Alert): string | null {
  const [first] = suspects ?? []
  return first ? `${moduleWords(first.module)} ${suspectWords(first)}` : null
}

/** What a suspect is suspected of, with its share of what the front door suffers: `slow (90 %)`. */
export function suspectWords({ metric, share }: SuspectModule): string {
  return `${FAULT_WORDS[metric]} (${Math.round(share * 100)} %)`
}

function oddWords({ signals }: Alert): string | null {
  const [first] = signals
  return first ? seriesWords(first.measure, first.module) : null
}

function explanationNodes({ summary, odd, course, suspects, undiagnosed }: AlertExplanation): HTMLElement[] {
  const list = (head: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [element('p', {}, head), element('ul', {}, ...lines.map((line) => element('li', {}, line)))]
  return [
    element('p', {}, summary),
    ...list('What was odd:', odd),
    ...list('How it went:', course),
    ...list('Suspected, the most suspect first:', suspects),
    ...(undiagnosed === null ? [] : [element('p', { class: 'warned' }, undiagnosed)]),
  ]
}

function isoOf(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}
