import type { Alert } from '../ingest/alert-book.ts'
import {
  amountWords,
  FAULT_WORDS,
  featuresInWords,
  moduleWords,
  seriesWords,
} from '../page/browser/anomaly-words.ts'
import { answer, atMost, type Command, versionOf } from './command.ts'
import { table, when } from './table.ts'

interface Alerts {
  readonly alerts: readonly Alert[]
}

export const alertsCommand: Command = {
  words: 'alerts',
  usage: 'atlasctl alerts [--open] [--pop NAME] [--limit N]',
  about: 'alerts of the PoPs, the newest first: level, state, first suspect, what was odd',
  run: async (invocation) => {
    atMost(invocation, 0)
    const { pop, open, limit } = invocation.flags
    const query = new URLSearchParams({
      ...(pop !== null && { pop }),
      ...(open && { open: 'true' }),
      ...(limit !== null && { limit: String(versionOf(limit, '--limit')) }),
    })
    const alerts = await invocation.api.json<Alerts>(`/v1/alerts?${query}`)
    answer(invocation, alerts, (value) => alertsText(value, open))
  },
}

function alertsText({ alerts }: Alerts, open: boolean): string {
  if (alerts.length === 0)
    return open ? 'no alert is open\n' : 'no alerts: nothing has left its usual course so far\n'
  const columns = [
    { head: 'SINCE' },
    { head: 'POP' },
    { head: 'LEVEL' },
    { head: 'STATE' },
    { head: 'SUSPECT' },
    { head: 'ODD' },
    { head: 'ID' },
  ]
  const rows = alerts.map((alert) => [
    when(alert.sinceMs),
    alert.pop,
    alert.level,
    alert.state,
    suspectText(alert),
    oddText(alert),
    alert.id,
  ])
  return `${table(columns, rows)}atlasctl explain ID says more\n`
}

function suspectText({ suspects }: Alert): string {
  const first = suspects?.[0]
  return first
    ? `${moduleWords(first.module)} ${FAULT_WORDS[first.metric]}, ${Math.round(first.share * 100)} %`
    : '-'
}

/** The strangest series, or the features of a tick where no series stood out. */
function oddText({ signals, features }: Alert): string {
  const [first, ...more] = signals
  if (!first) return featuresInWords(features).slice(0, 2).join(', ') || '-'
  const usual = first.usual === null ? '' : ` (usually ${amountWords(first.measure, first.usual)})`
  const rest = more.length === 0 ? '' : `, ${more.length} more`
  return `${seriesWords(first.measure, first.module)} ${amountWords(first.measure, first.value)}${usual}${rest}`
}
