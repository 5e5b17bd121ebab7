import { ALERT_LEVELS } from '../../contract/alert.ts'
import { rankOf } from '../ingest/alert-book.ts'
import { alertsOf, type PopView } from '../ingest/view.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface AlertMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Alerts as metrics. All is folded from the streams, so a central that starts again counts on from where it was. */
export function alertMetrics(pops: readonly PopView[]): AlertMetric[] {
  const open = pops.map((view) => ({
    pop: view.pop,
    alert: alertsOf(view).findLast(({ state }) => state === 'open') ?? null,
  }))
  return [
    {
      name: 'atlas_alerts_total',
      type: 'counter',
      help: 'Alerts that reached a level; each reaches "alert", so that one counts them all',
      samples: pops.flatMap(({ pop, alerts }) =>
        ALERT_LEVELS.map((level) => ({ labels: { pop, level }, value: alerts.reached[level] })),
      ),
    },
    {
      name: 'atlas_alert_open',
      type: 'gauge',
      help: '1 while the PoP has an open alert',
      samples: open.map(({ pop, alert }) => ({ labels: { pop }, value: alert ? 1 : 0 })),
    },
    {
      name: 'atlas_alert_level',
      type: 'gauge',
      help: 'Level of the open alert: 0 none, 1 alert, 2 region, 3 early-warning, 4 cascade',
      samples: open.map(({ pop, alert }) => ({
        labels: { pop },
        value: alert ? rankOf(alert.level) + 1 : 0,
      })),
    },
    {
      name: 'atlas_alert_suspect_share',
      type: 'gauge',
      help: 'Share of what the front door suffers that was followed to a module, while an alert is open',
      samples: open.flatMap(({ pop, alert }) =>
        (alert?.suspects ?? []).map(({ module, metric, share }) => ({
          labels: { pop, module, metric },
          value: share,
        })),
      ),
    },
  ]
}
