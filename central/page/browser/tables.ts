import type { ModuleState, SuspectModule } from '../../../contract/messages.ts'
import { suspectWords } from './alerts.ts'
import { type ChartData, nearest } from './chart-data.ts'
import { element } from './dom.ts'
import { duration, milliseconds, percent, rate, timeOfDay } from './format.ts'
import type { PopState } from './state.ts'

function cell(text: string, name = ''): HTMLElement {
  return element('td', name ? { class: name } : {}, text)
}

/** One module of the coupling map; marked when it is the one at fault. */
export function moduleRow(module: ModuleState, suspect: SuspectModule | null): HTMLElement {
  const suspected = suspect?.module === module.name ? suspectWords(suspect) : null
  const coupling = module.loose ? 'loose' : 'tight'
  const failed = module.errors5xx
  const share = module.requests === 0 ? 0 : failed / module.requests
  return element(
    'tr',
    suspected === null ? {} : { class: 'suspect' },
    element(
      'th',
      suspected === null ? { scope: 'row' } : { scope: 'row', class: 'suspect-name' },
      module.name,
      suspected === null ? null : element('small', { class: 'suspect-words' }, `suspect: ${suspected}`),
    ),
    element('td', {}, element('span', { class: `badge ${coupling}` }, coupling)),
    cell(rate(module.rps), 'num'),
    cell(percent(share), share > 0.01 ? 'num bad' : 'num'),
    cell(milliseconds(module.p50Ms), 'num'),
    cell(milliseconds(module.p99Ms), 'num'),
  )
}

/** What each PoP did with its policy: one row an acknowledgement, or one that says there was none. */
export function rolloutRows(pop: PopState, stale: boolean, silentMs: number): HTMLElement[] {
  const heard = stale ? `${duration(silentMs)} ago` : 'now'
  const policies = new Set([
    ...pop.acks.map((ack) => ack.policy),
    ...(pop.second ? [pop.second.policy.name] : []),
  ])
  return [...policies].map((policy) => {
    const ack = pop.acks.find((each) => each.policy === policy)
    const running = pop.second?.policy.name === policy ? pop.second.policy.version : null
    const inForce = running === null ? '–' : running === 0 ? 'default' : `v${running}`
    const answer = !ack
      ? cell('none yet', 'quiet')
      : ack.outcome === 'applied'
        ? cell(`applied v${ack.version}`, 'good')
        : cell(`refused v${ack.version}: ${ack.reason || ack.code}${faultText(ack.faults)}`, 'bad')
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, pop.pop),
      cell(policy),
      cell(inForce, 'num'),
      answer,
      cell(ack ? milliseconds(Math.max(0, ack.appliedAtMs - ack.issuedAtMs)) : '–', 'num'),
      cell(heard, stale ? 'bad' : ''),
    )
  })
}

function faultText(faults: readonly { path: string; message: string }[]): string {
  return faults.map((fault) => ` (${fault.path}: ${fault.message})`).join('')
}

const TABLE_ROWS = 12

/** The chart as a table: the end of the forecast, now, and evenly spaced times before. */
export function chartRows(data: ChartData): HTMLElement[] {
  const stepMs = (data.nowMs - data.fromMs) / TABLE_ROWS
  const reachMs = Math.max(stepMs / 5, 1_000)
  const past = Array.from({ length: TABLE_ROWS + 1 }, (_, index) => data.nowMs - index * stepMs)
  const times = data.toMs > data.nowMs ? [data.toMs, ...past] : past
  return times.map((atMs) => {
    const actual = nearest(data.actual, atMs, reachMs)
    const forecast = nearest(data.forecast, atMs, reachMs)
    return element(
      'tr',
      {},
      cell(timeOfDay(atMs)),
      cell(actual ? rate(actual.rps) : '–', 'num'),
      cell(forecast ? rate(forecast.p50) : '–', 'num'),
      cell(forecast ? `${rate(forecast.p10)} to ${rate(forecast.p90)}` : '–', 'num'),
    )
  })
}
