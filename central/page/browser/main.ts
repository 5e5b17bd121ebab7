import type { DecisionMessage } from '../../../contract/messages.ts'
import type { Explanation } from '../../explain/explain.ts'
import type { AlertExplanation } from '../../explain/explain-alert.ts'
import type { Alert } from '../../ingest/alert-book.ts'
import { alertNode } from './alerts.ts'
import { callNode, callRates } from './calls.ts'
import { Chart } from './chart.ts'
import { type ChartData, chartData, type Horizon } from './chart-data.ts'
import { decisionNode } from './decisions.ts'
import { byId, element, setText, show } from './dom.ts'
import { rate, timeOfDay } from './format.ts'
import { readEvents, TokenNeeded } from './live.ts'
import { ModelsPanel } from './models.ts'
import { noticeNode, noticesOf } from './notices.ts'
import { openAlert, PageState, type PopState, suspectOf } from './state.ts'
import { chartRows, moduleRow, rolloutRows } from './tables.ts'
import { tileNode, tilesOf } from './tiles.ts'

const TOKEN_KEY = 'atlas-token'
const SILENT_MS = 12_000
/** Events after which central may have more to say of models. */
const ASKS_MODELS = ['snapshot', 'minute', 'model', 'beat']

const state = new PageState()
const chart = new Chart(byId('chart'))
const models = new ModelsPanel()
const buttons = new Map<string, HTMLButtonElement>()
let chosen: string | null = decodeURIComponent(location.hash.slice(1)) || null
let lost: string | null = 'connecting'
let drawn = false

byId('horizon').addEventListener('change', refresh)
byId('span').addEventListener('change', refresh)
byId('chart-table').addEventListener('toggle', refresh)
byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(TOKEN_KEY, byId<HTMLInputElement>('token').value.trim())
  byId<HTMLInputElement>('token').value = ''
  byId('sign-in').hidden = true
  void follow()
})
setInterval(refresh, 1_000)
void follow()

/** Follows the live stream for ever; stops only to ask for a token. */
async function follow(): Promise<void> {
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      await readEvents('/v1/stream', sessionStorage.getItem(TOKEN_KEY), SILENT_MS, (event) => {
        waitMs = 500
        lost = null
        state.apply(event, Date.now())
        refresh()
        if (ASKS_MODELS.includes(event.event)) void askModels()
      })
      lost = 'the stream ended'
    } catch (thrown) {
      if (thrown instanceof TokenNeeded) {
        lost = null
        byId('sign-in').hidden = false
        byId('token-refused').hidden = sessionStorage.getItem(TOKEN_KEY) === null
        sessionStorage.removeItem(TOKEN_KEY)
        return
      }
      lost = thrown instanceof Error && thrown.name === 'AbortError' ? 'it fell silent' : 'it does not answer'
    }
    refresh()
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

/** Draws at most once a frame, however many events came. */
function refresh(): void {
  if (drawn) return
  drawn = true
  requestAnimationFrame(() => {
    drawn = false
    draw()
  })
}

function draw(): void {
  const names = state.names()
  if (names.length > 0 && !state.pops.has(chosen ?? '')) chosen = names[0] ?? null
  const pop = chosen === null ? null : (state.pops.get(chosen) ?? null)
  const notices = noticesOf(state, pop, byId('sign-in').hidden ? lost : null)
  show(byId('notices'), notices, () => notices.map(noticeNode))
  drawLink()
  byId('empty').hidden = names.length > 0 || lost !== null || state.nats === null
  drawPops(names)
  models.draw([...state.pops.values()], state.nowMs(Date.now()))
  drawRollout(names)
  byId('detail').hidden = !pop?.second
  if (pop?.second) drawDetail(pop)
}

function drawLink(): void {
  const asked = !byId('sign-in').hidden
  const at = asked ? 'asked' : lost === null ? (state.nats?.state ?? 'connecting') : 'lost'
  byId('link').dataset.state = at
  const words = {
    connected: 'live · NATS connected',
    connecting: 'NATS connecting',
    disconnected: 'NATS away',
    lost: 'central away',
    asked: 'token needed',
  }
  setText(byId('link-text'), words[at])
}

function drawPops(names: readonly string[]): void {
  const nav = byId('pops')
  for (const [name, button] of buttons) {
    if (!state.pops.has(name)) {
      button.remove()
      buttons.delete(name)
    }
  }
  for (const name of names) {
    const pop = state.pops.get(name)
    if (!pop) continue
    const button = buttons.get(name) ?? popButton(name, nav)
    const stale = state.isStale(pop, Date.now())
    const mode = pop.second?.mode ?? 'TIGHT'
    button.setAttribute('aria-pressed', String(name === chosen))
    button.dataset.stale = String(stale)
    const facts = stale ? 'stale' : `${rate(pop.second?.rps ?? 0)} req/s · policy ${versionText(pop)}`
    const alert = openAlert(pop)?.level ?? null
    show(button, [mode, facts, stale, alert], () => [
      element('b', {}, name, element('span', { class: `badge ${mode}` }, mode)),
      element('span', { class: stale ? 'bad' : 'quiet' }, facts),
      ...(alert === null ? [] : [element('span', { class: 'bad' }, `alert: ${alert}`)]),
    ])
  }
}

function popButton(name: string, nav: HTMLElement): HTMLButtonElement {
  const button = element('button', { class: 'pop', type: 'button' })
  button.addEventListener('click', () => {
    chosen = name
    history.replaceState(null, '', `#${encodeURIComponent(name)}`)
    refresh()
  })
  buttons.set(name, button)
  const next = [...buttons.keys()].sort().find((other) => other > name)
  nav.insertBefore(button, next === undefined ? null : (buttons.get(next) ?? null))
  return button
}

function versionText(pop: PopState): string {
  const version = pop.second?.policy.version ?? 0
  return version === 0 ? 'default' : `v${version}`
}

function drawDetail(pop: PopState): void {
  const { second } = pop
  if (!second) return
  setText(byId('pop-name'), pop.pop)
  byId('detail').classList.toggle('stale', state.isStale(pop, Date.now()))
  const tiles = tilesOf(second)
  show(byId('tiles'), tiles, () => tiles.map(tileNode))
  const suspect = suspectOf(pop)
  show(byId('modules'), [second.modules, suspect], () =>
    second.modules.map((module) => moduleRow(module, suspect)),
  )
  const calls = callRates(pop.minutes)
  byId('calls-part').hidden = calls.length === 0
  show(byId('calls'), calls, () => calls.map(callNode))
  drawAlerts(pop)
  const decisions = state.decisions.filter((decision) => decision.pop === pop.pop)
  show(
    byId('decisions'),
    decisions.map((decision) => decision.id),
    () =>
      decisions.length === 0
        ? [element('p', { class: 'quiet' }, 'None yet: nothing has called for a change.')]
        : decisions.map((decision) => decisionNode(decision, askWhy)),
  )
  drawChart(pop)
}

function drawAlerts({ alerts }: PopState): void {
  show(byId('alerts'), alerts, () =>
    alerts.length === 0
      ? [element('p', { class: 'quiet' }, 'None: nothing has left its usual course.')]
      : alerts.map((alert) => alertNode(alert, askWhatWasOdd)),
  )
  byId('legend-alert').hidden = alerts.length === 0
}

function drawChart(pop: PopState): void {
  const horizon = byId<HTMLSelectElement>('horizon').value as Horizon
  const span = byId<HTMLSelectElement>('span').value
  const data = chartData(pop, horizon, span === 'auto' ? 'auto' : Number(span))
  chart.show(data, 'No data in this span yet.')
  const open = data.alerts.find(({ isOpen }) => isOpen)
  const alert = open ? ` An alert (${open.level}) is open since ${timeOfDay(open.fromMs)}.` : ''
  const text = chartText(data, pop) + alert
  setText(byId('chart-text'), text)
  byId('chart').setAttribute(
    'aria-label',
    `Chart of requests a second over time. ${text} Arrow keys read out points.`,
  )
  if (byId<HTMLDetailsElement>('chart-table').open) {
    const rows = chartRows(data)
    show(
      byId('chart-rows'),
      rows.map((row) => row.textContent),
      () => rows,
    )
  }
}

function chartText(data: ChartData, pop: PopState): string {
  const last = data.actual.at(-1)
  const now = last ? `Now ${rate(last.rps)} req/s.` : ''
  const ahead = data.forecast.at(-1)
  if (ahead && ahead.atMs > data.nowMs) {
    const minutes = Math.round((ahead.atMs - data.nowMs) / 60_000)
    return `${now} In ${minutes} min, the forecast is ${rate(ahead.p50)} req/s (10 % to 90 %: ${rate(ahead.p10)} to ${rate(ahead.p90)}).`
  }
  const forecaster = pop.second?.forecaster
  if (forecaster?.kind === 'warming')
    return `${now} The forecaster has ${forecaster.minutes} of the ${forecaster.of} minutes of history it needs.`
  return forecaster?.kind === 'reactive' ? `${now} There is no forecast: ${forecaster.reason}.` : now
}

function drawRollout(names: readonly string[]): void {
  const rows = names.flatMap((name) => {
    const pop = state.pops.get(name)
    return pop
      ? rolloutRows(pop, state.isStale(pop, Date.now()), state.nowMs(Date.now()) - pop.lastSeenMs)
      : []
  })
  byId('rollout').hidden = rows.length === 0
  show(
    byId('acks'),
    rows.map((row) => row.textContent),
    () => rows,
  )
}

const askWhy = (decision: DecisionMessage) => ask<Explanation>('decisions', decision)
const askWhatWasOdd = (alert: Alert) => ask<AlertExplanation>('alerts', alert)

async function askModels(): Promise<void> {
  if (await models.ask(() => fetchCentral('/v1/models'), performance.now())) refresh()
}

async function ask<T>(kind: string, { id, pop }: { readonly id: string; readonly pop: string }): Promise<T> {
  const response = await fetchCentral(`/v1/${kind}/${encodeURIComponent(id)}?pop=${encodeURIComponent(pop)}`)
  if (!response.ok) throw new Error(`central answered ${response.status}`)
  return ((await response.json()) as { explanation: T }).explanation
}

function fetchCentral(path: string): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN_KEY)
  return fetch(path, { headers: token === null ? {} : { authorization: `Bearer ${token}` } })
}
