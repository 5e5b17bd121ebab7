import type { ForecasterState } from '../../contract/messages.ts'
import type { PopStatus } from '../../contract/pop-status.ts'

/** One line of live state, for people: rps, forecast, mode, anomaly, policy, link. */
export function liveLine(status: PopStatus | null): string {
  if (status === null) return 'the edge does not answer'
  const { second, link } = status
  if (second === null) return 'the edge answers; its first tick is due'
  const loose = second.modules.filter((module) => module.loose).map(({ name }) => name)
  const parts = [
    `${rate(second.rps)} rps`.padStart(10),
    `+5 min ${forecastText(second.forecaster)}`,
    loose.length > 0 ? `${second.mode} (${loose.join(', ')})` : second.mode,
    `anomaly ${second.anomaly === null ? '–' : second.anomaly.score.toFixed(2)}`,
    `policy ${second.policy.version === 0 ? 'bundled' : `v${second.policy.version}`}`,
    linkText(link),
  ]
  const shed = second.modules.reduce((sum, module) => sum + module.shed, 0)
  const failed = second.modules.reduce((sum, module) => sum + module.errors5xx, 0)
  if (failed > 0) parts.push(`errors ${failed}`)
  if (shed > 0) parts.push(`shed ${shed}`)
  if (status.policyError !== null) parts.push(`policy refused: ${status.policyError}`)
  return parts.join(' · ')
}

/** `1,234 [900–1,600]`, `warming, 12 of 60 min`, or `reactive: why`. */
export function forecastText(state: ForecasterState): string {
  switch (state.kind) {
    case 'warming':
      return `warming, ${state.minutes} of ${state.of} min`
    case 'reactive':
      return `reactive: ${state.reason}`
    case 'ready': {
      const { p10, p50, p90 } = state.forecast.in5
      return `${rate(p50)} [${rate(p10)}–${rate(p90)}]`
    }
  }
}

function linkText(link: PopStatus['link']): string {
  const outbox = link.outboxRows > 0 ? `, outbox ${link.outboxRows}` : ''
  switch (link.state) {
    case 'off':
      return 'island'
    case 'connected':
      return `nats connected${outbox}`
    default:
      return `nats ${link.state}${outbox}`
  }
}

function rate(rps: number): string {
  return rps >= 100
    ? Math.round(rps).toLocaleString('en-US')
    : rps >= 10
      ? rps.toFixed(0)
      : rps.toFixed(1).replace(/\.0$/, '')
}
