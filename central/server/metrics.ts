import type { Forecast, Quantiles } from '../../contract/messages.ts'
import type { PopView } from '../ingest/view.ts'
import { alertMetrics } from './alert-metrics.ts'
import { minuteMetrics } from './minute-metrics.ts'
import { modelMetrics } from './model-metrics.ts'
import type { Services } from './services.ts'

type Labels = Readonly<Record<string, string>>
interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** Everything central knows as Prometheus text, exposition format 0.0.4. */
export function metricsText(services: Services): string {
  const { view, ingest, counters, broadcast } = services
  const pops = view.pops()
  const nowMs = services.wallMs()
  const one = (value: number): Sample[] => [{ labels: {}, value }]
  const each = (sample: (pop: PopView) => Sample[]) => pops.flatMap(sample)
  const seconds = (read: (pop: PopView) => number | null | undefined) =>
    each((pop) => {
      const value = read(pop)
      return value === null || value === undefined ? [] : [{ labels: { pop: pop.pop }, value }]
    })
  return [
    metric(
      'atlas_nats_connected',
      'gauge',
      '1 while central is connected to NATS',
      one(services.link().state === 'connected' ? 1 : 0),
    ),
    metric(
      'atlas_pop_stale_seconds',
      'gauge',
      'Seconds since the PoP was last heard',
      seconds((pop) => (nowMs - pop.lastSeenMs) / 1000),
    ),
    metric(
      'atlas_pop_rps',
      'gauge',
      'Requests a second',
      seconds((pop) => pop.second?.rps),
    ),
    metric('atlas_pop_mode', 'gauge', '1 for the mode the PoP is in', each(modeSamples)),
    metric(
      'atlas_pop_anomaly_score',
      'gauge',
      'Calibrated anomaly score, 0 to 1',
      seconds((pop) => pop.second?.anomaly?.score),
    ),
    metric('atlas_pop_policy_version', 'gauge', 'Version of the policy in force', each(policySamples)),
    metric(
      'atlas_pop_forecast_rps',
      'gauge',
      'Forecast requests a second, by horizon and quantile',
      each(forecastSamples),
    ),
    metric(
      'atlas_pop_outbox_rows',
      'gauge',
      'Messages the PoP has not delivered yet',
      seconds((pop) => pop.second?.outbox?.rows),
    ),
    metric(
      'atlas_pop_outbox_dropped_total',
      'counter',
      'Messages a full outbox lost',
      seconds((pop) => pop.second?.outbox?.dropped),
    ),
    metric('atlas_module_rps', 'gauge', 'Requests a second of a module', each(moduleSamples('rps'))),
    metric(
      'atlas_module_loose',
      'gauge',
      '1 while the module runs as a service of its own',
      each(looseSamples),
    ),
    metric(
      'atlas_module_p99_ms',
      'gauge',
      'Latency to first byte, 99 % quantile',
      each(moduleSamples('p99Ms')),
    ),
    metric(
      'atlas_module_shed',
      'gauge',
      'Requests of the last tick that ATLAS answered itself: refused by a limit, or past their deadline',
      each(moduleSamples('shed')),
    ),
    metric(
      'atlas_policy_acknowledged_version',
      'gauge',
      'Last version a PoP acknowledged, by outcome',
      each(ackSamples),
    ),
    ...alertMetrics(pops).map(({ name, type, help, samples }) => metric(name, type, help, samples)),
    ...[...minuteMetrics(pops), ...modelMetrics(pops)].map(({ name, help, samples }) =>
      metric(name, 'gauge', help, samples),
    ),
    metric('atlas_central_messages_total', 'counter', 'Messages read from the streams, by outcome', [
      { labels: { outcome: 'applied' }, value: ingest.counts.applied },
      { labels: { outcome: 'repeated' }, value: ingest.counts.repeated },
      { labels: { outcome: 'refused' }, value: ingest.counts.refused },
    ]),
    metric('atlas_central_pushes_total', 'counter', 'Policies pushed', one(counters.pushes)),
    metric('atlas_central_pushes_refused_total', 'counter', 'Pushes refused', one(counters.pushesRefused)),
    metric(
      'atlas_central_auth_failures_total',
      'counter',
      'Requests with a wrong token',
      one(counters.authFailures),
    ),
    metric(
      'atlas_central_audit_lost_total',
      'counter',
      'Audit entries that could not be written',
      one(counters.auditLost),
    ),
    metric('atlas_central_listeners', 'gauge', 'Open live streams', one(broadcast.listeners)),
  ].join('')
}

function modeSamples(pop: PopView): Sample[] {
  const mode = pop.second?.mode
  if (mode === undefined) return []
  return ['TIGHT', 'HYBRID', 'LOOSE'].map((name) => ({
    labels: { pop: pop.pop, mode: name },
    value: name === mode ? 1 : 0,
  }))
}

function policySamples(pop: PopView): Sample[] {
  const policy = pop.second?.policy
  return policy ? [{ labels: { pop: pop.pop, policy: policy.name }, value: policy.version }] : []
}

function forecastSamples(pop: PopView): Sample[] {
  const forecaster = pop.second?.forecaster
  if (forecaster?.kind !== 'ready') return []
  return horizons(forecaster.forecast).flatMap(([horizon, quantiles]) =>
    Object.entries(quantiles).map(([quantile, value]) => ({
      labels: { pop: pop.pop, horizon, quantile },
      value,
    })),
  )
}

function horizons(forecast: Forecast): [string, Quantiles][] {
  return [
    ['5m', forecast.in5],
    ['15m', forecast.in15],
    ['60m', forecast.in60],
  ]
}

function moduleSamples(field: 'rps' | 'p99Ms' | 'shed'): (pop: PopView) => Sample[] {
  return (pop) =>
    (pop.second?.modules ?? []).flatMap((module) => {
      const value = module[field]
      return value === null ? [] : [{ labels: { pop: pop.pop, module: module.name }, value }]
    })
}

function looseSamples(pop: PopView): Sample[] {
  return (pop.second?.modules ?? []).map((module) => ({
    labels: { pop: pop.pop, module: module.name },
    value: module.loose ? 1 : 0,
  }))
}

function ackSamples(pop: PopView): Sample[] {
  return [...pop.acks.values()].map((ack) => ({
    labels: { pop: pop.pop, policy: ack.policy, outcome: ack.outcome },
    value: ack.version,
  }))
}

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return ''
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Label values come from PoPs: a line break or quote must not make another sample. */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
