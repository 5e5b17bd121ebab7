import { describe, expect, it } from 'vitest'
import { View } from '../../../central/ingest/view.ts'
import { alertSpans, spanAt } from '../../../central/page/browser/alert-spans.ts'
import { callRates } from '../../../central/page/browser/calls.ts'
import {
  chartData,
  nearest,
  rateTicks,
  thin,
  timeTicks,
  unbroken,
} from '../../../central/page/browser/chart-data.ts'
import { EventParser } from '../../../central/page/browser/live.ts'
import { openAlert, PageState, suspectOf } from '../../../central/page/browser/state.ts'
import { pageRoutes } from '../../../central/page/page-routes.ts'
import type { Message } from '../../../contract/messages.ts'
import { alert, minute, second } from './messages.ts'

const quantiles = (p50: number) => ({ p10: p50 - 1, p50, p90: p50 + 1 })
const forecast = (madeAtMs: number) => ({
  madeAtMs,
  model: 'm',
  in5: quantiles(5),
  in15: quantiles(15),
  in60: quantiles(60),
})

describe('chartData', () => {
  it('puts a forecast at the time it is for, each once, and looks one horizon ahead', () => {
    const nowMs = 600_000
    const source = {
      second: second('p', 1, { atMs: nowMs, forecaster: { kind: 'ready', forecast: forecast(600_000) } }),
      seconds: [{ atMs: nowMs, rps: 3 }],
      minutes: [
        minute('p', 9, { minuteStartMs: 480_000, forecast: forecast(540_000) }),
        minute('p', 10, { minuteStartMs: 540_000, rps: 2, forecast: forecast(600_000) }),
      ],
      alerts: [],
    }
    const data = chartData(source, 'in15', 60)
    expect(data.forecast.map(({ atMs, p50 }) => [atMs, p50])).toEqual([
      [1_440_000, 15],
      [1_500_000, 15],
    ])
    expect(data.toMs).toBe(nowMs + 900_000)
    expect(data.actual.at(-1)).toEqual({ atMs: nowMs, rps: 3 })
  })

  it('shows minutes only from before the seconds begin', () => {
    const minutes = [minute('p', 1, { minuteStartMs: 0 }), minute('p', 2, { minuteStartMs: 60_000 })]
    const seconds = [{ atMs: 61_000, rps: 9 }]
    const data = chartData({ second: null, seconds, minutes, alerts: [] }, 'in5', 15)
    expect(data.actual.map(({ atMs }) => atMs)).toEqual([30_000, 61_000])
  })
})

describe('chart arithmetic', () => {
  it('makes round ticks that cover the most', () => {
    expect(rateTicks(84)).toEqual([0, 20, 40, 60, 80, 100])
    expect(rateTicks(0).at(-1)).toBeGreaterThanOrEqual(1)
    expect(timeTicks(30_000, 300_000, 5)).toEqual([60_000, 120_000, 180_000, 240_000, 300_000])
  })

  it('cuts a line where nothing was measured, but not where minutes turn into seconds', () => {
    const at = (...minutes: number[]) => minutes.map((each) => ({ atMs: each * 60_000 }))
    expect(unbroken(at(1, 2, 3, 9, 10)).map((run) => run.length)).toEqual([3, 2])
    expect(unbroken(at(1, 2, 3, 3.02, 3.04, 3.06, 3.08, 3.1))).toHaveLength(1)
    expect(unbroken([])).toEqual([])
  })

  it('thins by means, and finds the nearest point within reach', () => {
    const points = Array.from({ length: 10 }, (_, index) => ({ atMs: index, rps: index }))
    expect(thin(points, 5).map(({ rps }) => rps)).toEqual([0.5, 2.5, 4.5, 6.5, 8.5])
    expect(nearest(points, 3.2, 1)?.atMs).toBe(3)
    expect(nearest(points, 50, 1)).toBeNull()
  })
})

describe('EventParser', () => {
  it('finds events however the text is cut', () => {
    const text = 'event: a\ndata: {"x":1}\n\n: beat\n\nevent: b\ndata: 2\n\n'
    for (let size = 1; size < text.length; size++) {
      const seen: string[] = []
      const parser = new EventParser(({ event, data }) => seen.push(`${event} ${data}`))
      for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size))
      expect(seen).toEqual(['a {"x":1}', 'b 2'])
    }
  })
})

describe('the page', () => {
  it('is served with a strict policy and no address of elsewhere', async () => {
    const page = await pageRoutes().request('/')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(await page.text()).not.toMatch(/https?:\/\/|<script>|style="|onclick/)
  })

  it('serves every script that one of its scripts imports', async () => {
    const seen = new Set<string>(['main.ts'])
    for (const file of seen) {
      const script = await pageRoutes().request(`/page/${file}`)
      expect([file, script.status]).toEqual([file, 200])
      for (const [, name] of (await script.text()).matchAll(/from '([^']+)'/g))
        seen.add(name?.replace('./', '') ?? '')
    }
    expect(seen.size).toBeGreaterThan(10)
  })

  it('serves its scripts without types, and 304 to who has them', async () => {
    const script = await pageRoutes().request('/page/main.ts')
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(await script.text()).not.toContain('import type')
    const headers = { 'if-none-match': script.headers.get('etag') ?? '' }
    expect((await pageRoutes().request('/page/main.ts', { headers })).status).toBe(304)
  })
})

describe('alerts on the page', () => {
  const view = new View()
  const state = new PageState()
  const fold = (message: Message) => {
    view.apply(message, 1)
    const folded = message.kind === 'alert' ? { alert: view.alert(message.id, message.pop) } : {}
    state.apply({ event: message.kind, data: JSON.stringify({ receivedAtMs: 1, message, ...folded }) }, 0)
    return state.pops.get('p') ?? expect.fail('no PoP p')
  }

  it('open, name the suspect by the newest word of the PoP, and close', () => {
    const opened = fold(alert('p', 90))
    expect([openAlert(opened)?.id, suspectOf(opened)?.module]).toEqual(['a-1', 'cart'])
    const brief = { id: 'a-1', level: 'region' as const, sinceMs: 60_000, suspect: null }
    expect(suspectOf(fold(second('p', 91, { alert: brief })))).toBeNull()
    const closed = fold(alert('p', 200, { event: 'closed', endMs: 150_000 }))
    expect([openAlert(closed), closed.alerts.map(({ state }) => state)]).toEqual([null, ['closed']])
  })

  it('are drawn over what they lasted: an open one until now, one whose end is lost at its beginning alone', () => {
    fold(alert('p', 300, { id: 'a-2', sinceMs: 250_000 }))
    const { alerts } = fold(alert('p', 500, { id: 'a-3', sinceMs: 450_000 }))
    expect(alertSpans(alerts, 0, 500_000).map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
      [450_000, 500_000],
      [250_000, null],
      [60_000, 150_000],
    ])
    expect(alertSpans(alerts, 200_000, 400_000).map(({ fromMs }) => fromMs)).toEqual([250_000])
    const spans = alertSpans(alerts, 0, 500_000)
    expect([100_000, 200_000, 460_000].map((atMs) => spanAt(spans, atMs)?.fromMs ?? null)).toEqual([
      60_000,
      null,
      450_000,
    ])
  })

  it('come again with the snapshot of a new connection', () => {
    const pops = [{ pop: 'p', second: null, lastSeenMs: 1, seconds: [], minutes: [], acks: [] }]
    const data = { nowMs: 0, staleMs: 1, nats: null, pops, decisions: [], alerts: view.alerts(10) }
    const fresh = new PageState()
    fresh.apply({ event: 'snapshot', data: JSON.stringify(data) }, 0)
    expect(fresh.pops.get('p')?.alerts.map(({ id }) => id)).toEqual(['a-3', 'a-2', 'a-1'])
  })
})

describe('callRates', () => {
  it('are those of the last minute, the most first', () => {
    const calls = [
      { caller: 'site', callee: 'search', requests: 30 },
      { caller: 'cart', callee: 'catalog', requests: 720 },
    ]
    expect(callRates([minute('p', 1), minute('p', 2, { calls })])).toEqual([
      { caller: 'cart', callee: 'catalog', rps: 12 },
      { caller: 'site', callee: 'search', rps: 0.5 },
    ])
    expect(callRates([minute('p', 1, { calls }), minute('p', 2)])).toEqual([])
  })
})
