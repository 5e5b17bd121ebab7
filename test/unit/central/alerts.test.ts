import { describe, expect, it } from 'vitest'
import { explainAlert } from '../../../central/explain/explain-alert.ts'
import { KEEP_ALERTS } from '../../../central/ingest/alert-book.ts'
import { View } from '../../../central/ingest/view.ts'
import { featuresInWords, featureWords } from '../../../central/page/browser/anomaly-words.ts'
import { alertMetrics } from '../../../central/server/alert-metrics.ts'
import { alertRoutes } from '../../../central/server/alert-routes.ts'
import { problemOf, problemResponse } from '../../../central/server/problem.ts'
import { ALERT_LEVELS, ALERT_MEASURES } from '../../../contract/alert.ts'
import type { AlertMessage, Message } from '../../../contract/messages.ts'
import { ANOMALY_FEATURES } from '../../../contract/model/anomaly-features.ts'
import { alert, second } from './messages.ts'

function viewOf(...messages: readonly Message[]): View {
  const view = new View()
  for (const message of messages) view.apply(message, 1)
  return view
}

const OPENED = alert('fra1', 90)
const ROSE = alert('fra1', 100, { event: 'escalated', level: 'region', score: 0.88, peak: 0.88 })
const CLOSED = alert('fra1', 400, {
  event: 'closed',
  level: 'region',
  endMs: 240_000,
  score: 0.1,
  peak: 0.88,
  features: [],
  signals: [],
  suspects: null,
  undiagnosed: 'there is nothing to explain',
})

describe('alerts of the view', () => {
  it('are one for all their events, and keep the diagnosis of when it was odd', () => {
    expect(viewOf(OPENED, ROSE, CLOSED).alerts(10)).toEqual([
      {
        pop: 'fra1',
        id: 'a-1',
        state: 'closed',
        level: 'region',
        sinceMs: 60_000,
        endMs: 240_000,
        peak: 0.88,
        features: ROSE.features,
        signals: ROSE.signals,
        suspects: ROSE.suspects,
        undiagnosed: null,
        events: [
          { event: 'opened', level: 'alert', atMs: 90_000, score: 0.72 },
          { event: 'escalated', level: 'region', atMs: 100_000, score: 0.88 },
          { event: 'closed', level: 'region', atMs: 400_000, score: 0.1 },
        ],
      },
    ])
  })

  it('are lost when their PoP speaks of no alert or another one any more, never while it says nothing about alerts', () => {
    const state = (...later: readonly Message[]) => viewOf(OPENED, ...later).alert('a-1')?.state
    const brief = (id: string) => ({ id, level: 'alert' as const, sinceMs: 0, suspect: null })
    expect(state()).toBe('open')
    expect(state(second('fra1', 91))).toBe('open')
    expect(state(second('fra1', 91, { alert: brief('a-1') }))).toBe('open')
    expect(state(second('fra1', 89, { alert: null }))).toBe('open')
    expect(state(second('fra1', 91, { alert: null }))).toBe('lost')
    expect(state(second('fra1', 91, { alert: brief('a-2') }))).toBe('lost')
    expect(viewOf(second('fra1', 500, { alert: null }), OPENED, CLOSED).alert('a-1')?.state).toBe('closed')
  })

  it('come the newest first, of one PoP or all, in one state or any', () => {
    const view = viewOf(
      OPENED,
      CLOSED,
      alert('fra1', 500, { id: 'a-2', sinceMs: 450_000 }),
      alert('ams2', 1, { id: 'b-1', sinceMs: 300_000 }),
    )
    const ids = (...args: Parameters<View['alerts']>) => view.alerts(...args).map(({ id }) => id)
    expect(ids(10)).toEqual(['a-2', 'b-1', 'a-1'])
    expect(ids(1)).toEqual(['a-2'])
    expect(ids(10, { pop: 'fra1' })).toEqual(['a-2', 'a-1'])
    expect(ids(10, { states: ['open'] })).toEqual(['a-2', 'b-1'])
    expect(ids(10, { states: ['closed', 'lost'], pop: 'ams2' })).toEqual([])
  })

  it('are told apart by PoP when two use the same id', () => {
    const view = viewOf(OPENED, alert('ams2', 1, { sinceMs: 1 }))
    expect(view.alert('a-1', 'ams2')?.pop).toBe('ams2')
    expect(view.alert('a-1', 'moon')).toBeNull()
  })

  it('are bounded in number and in events, however many a PoP makes up', () => {
    const view = new View()
    for (let seq = 1; seq <= 1_000; seq++) view.apply(alert('fra1', seq, { id: `a-${seq}` }), 1)
    for (let seq = 2_000; seq <= 2_100; seq++) view.apply(alert('fra1', seq, { id: 'a-999' }), 1)
    expect(view.alerts(9_999)).toHaveLength(KEEP_ALERTS)
    expect(view.alert('a-999')?.events.length).toBeLessThan(10)
    expect(view.alert('a-1')).toBeNull()
  })
})

describe('alertMetrics', () => {
  const sample = (view: View, name: string) =>
    Object.fromEntries(
      alertMetrics(view.pops())
        .filter((metric) => metric.name === name)
        .flatMap(({ samples }) =>
          samples.map(({ labels, value }) => [labels.level ?? labels.module ?? labels.pop, value]),
        ),
    )

  it('count an alert once at each level it reaches, also when it leaps, and however often it is told', () => {
    const view = viewOf(OPENED, ROSE, ROSE, OPENED, CLOSED)
    view.apply(alert('fra1', 500, { id: 'a-2', level: 'early-warning' }), 1)
    expect(sample(view, 'atlas_alerts_total')).toEqual({
      alert: 2,
      region: 2,
      'early-warning': 1,
      cascade: 0,
    })
  })

  it('do not fall when old alerts are forgotten', () => {
    const view = new View()
    for (let seq = 1; seq <= KEEP_ALERTS + 50; seq++)
      view.apply(alert('fra1', seq, { id: `a-${seq}`, event: 'closed' }), 1)
    expect(sample(view, 'atlas_alerts_total').alert).toBe(KEEP_ALERTS + 50)
  })

  it('show the open alert, its level and its suspects, and none once it is closed', () => {
    const open = viewOf(OPENED, ROSE)
    expect(sample(open, 'atlas_alert_open')).toEqual({ fra1: 1 })
    expect(sample(open, 'atlas_alert_level')).toEqual({ fra1: 2 })
    expect(sample(open, 'atlas_alert_suspect_share')).toEqual({ cart: 0.9, site: 0.1 })
    const closed = viewOf(OPENED, ROSE, CLOSED)
    expect(sample(closed, 'atlas_alert_open')).toEqual({ fra1: 0 })
    expect(sample(closed, 'atlas_alert_level')).toEqual({ fra1: 0 })
    expect(sample(closed, 'atlas_alert_suspect_share')).toEqual({})
  })
})

describe('explainAlert', () => {
  const explained = (...messages: readonly AlertMessage[]) => {
    const found = viewOf(...messages).alert('a-1')
    if (!found) throw new Error('no alert a-1')
    return explainAlert(found)
  }

  it('says what was odd against what is usual, how it grew, who is suspected along which calls, and when it was over', () => {
    expect(explained(OPENED, ROSE, CLOSED)).toEqual({
      summary:
        'PoP fra1 left its usual course at 1970-01-01 00:01:00Z; it reached level "region", with a highest score of 0.88. It was over at 1970-01-01 00:04:00Z, after 3 min.',
      odd: [
        'p95 latency of cart: 320 ms, usually 40 ms (8 times as much); as rare as one minute in 10,000',
        'failures of all traffic: 3.1 %, usually 0 %; as rare as one minute in 1,000',
        'what stood out in its worst tick: p99 latency against its last 10 minutes, largest deviation of latency',
      ],
      course: [
        '1970-01-01 00:01:30Z: opened at level "alert", score 0.72',
        '1970-01-01 00:01:40Z: rose to level "region", score 0.88',
        '1970-01-01 00:06:40Z: closed, score 0.10',
      ],
      suspects: [
        'cart is slow: 90 % of what the front door suffers comes from there, and it is 12 of its ordinary spreads above its usual (the calls that lead there: site → cart).',
        'site is slow: 10 % of what the front door suffers comes from there, and it is 1.4 of its ordinary spreads above its usual (requests come to it directly).',
      ],
      undiagnosed: null,
    })
  })

  it('names what has no module, and leaves the front door out of the calls', () => {
    const suspect = { metric: 'availability', share: 0.5, deviation: 3 } as const
    const { suspects } = explained(
      alert('fra1', 1, {
        suspects: [
          { ...suspect, module: '(unrouted)', path: ['the edge', '(unrouted)'] },
          { ...suspect, module: 'payment', path: ['the edge', 'cart', 'payment'] },
        ],
      }),
    )
    expect(suspects[0]).toMatch(/^unrouted traffic is failing: 50 % .* \(requests come to it directly\)\.$/)
    expect(suspects[1]).toContain('(the calls that lead there: cart → payment)')
  })

  it('says why nobody is suspected, and that it goes on', () => {
    const open = explained(alert('fra1', 1, { suspects: null, undiagnosed: 'too few minutes are known' }))
    expect(open.undiagnosed).toBe('No module is suspected: too few minutes are known.')
    expect(open.summary).toContain('It is not over yet.')
  })

  it('has words for every level and measure, and for figures that are strange', () => {
    for (const level of ALERT_LEVELS)
      for (const measure of ALERT_MEASURES)
        for (const [value, usual] of [
          [0, 0],
          [1e12, 1e-9],
          [3, null],
        ] as const) {
          const signals = [{ module: null, measure, value, usual, surprise: 400 }]
          const words = JSON.stringify(explained(alert('p', 1, { level, signals, sinceMs: 1e300 })))
          expect(words).not.toMatch(/undefined|NaN|Infinity|Invalid/)
        }
  })
})

describe('words of features', () => {
  it('are there for every feature of the forest, and leave alone what is not known', () => {
    for (const feature of ANOMALY_FEATURES) expect(featureWords(feature)).not.toBe(feature)
    expect(featuresInWords(['hourSin', 'hourCos', 'constructor'])).toEqual(['time of day', 'constructor'])
  })
})

describe('GET /v1/alerts', () => {
  const view = viewOf(OPENED, CLOSED, alert('ams2', 1, { id: 'b/1 ?' }))
  const app = alertRoutes({ view }, () => (_, next) => next())
  app.onError((thrown) => problemResponse(problemOf(thrown)))
  const ids = async (query: string) =>
    ((await (await app.request(`/${query}`)).json()) as { alerts: { id: string }[] }).alerts.map(
      ({ id }) => id,
    )

  it('takes pop, open and limit', async () => {
    expect(await ids('')).toHaveLength(2)
    expect(await ids('?open=true')).toEqual(['b/1 ?'])
    expect(await ids('?open=false&pop=fra1&limit=500')).toEqual(['a-1'])
    expect(await ids('?pop=moon')).toEqual([])
  })

  it.each([
    ['?open=yes', 'open must be true or false, but is "yes"'],
    ['?limit=0', 'limit must be a whole number from 1 to 500, but is "0"'],
    ['?limit=1e2', 'limit must be a whole number from 1 to 500, but is "1e2"'],
    ['?pop=a.b', 'pop must be the name of a PoP: 1 to 64 of letters, digits, "_" and "-", but is "a.b"'],
    ['?opne=true', 'the query has an unknown name: "opne"'],
  ])('refuses %s and says why', async (query, detail) => {
    const response = await app.request(`/${query}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    expect(await response.json()).toMatchObject({ detail })
  })

  it('explains one, whatever its id, and answers 404 to an id nobody used', async () => {
    const found = await app.request(`/${encodeURIComponent('b/1 ?')}`)
    expect(await found.json()).toMatchObject({ alert: { pop: 'ams2' }, explanation: { undiagnosed: null } })
    expect((await app.request('/b-7')).status).toBe(404)
    expect((await app.request('/a-1?pop=ams2')).status).toBe(404)
  })
})
