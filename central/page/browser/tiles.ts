import type { SecondMessage } from '../../../contract/messages.ts'
import { featuresInWords } from './anomaly-words.ts'
import { element } from './dom.ts'
import { duration, percent, rate } from './format.ts'

export interface Tile {
  readonly name: string
  readonly value: string
  readonly unit?: string
  readonly more: string
  readonly tone?: 'good' | 'warned' | 'bad'
}

/** The PoP's state as a handful of figures. */
export function tilesOf(second: SecondMessage): Tile[] {
  const { rps, policy, outbox } = second
  const totals = second.modules.reduce(
    (sum, module) => ({
      requests: sum.requests + module.requests,
      failed: sum.failed + module.errors5xx,
      shed: sum.shed + module.shed,
    }),
    { requests: 0, failed: 0, shed: 0 },
  )
  const failed = totals.requests === 0 ? 0 : totals.failed / totals.requests
  const loose = second.modules.filter((module) => module.loose).map((module) => module.name)
  return [
    {
      name: 'Mode',
      value: second.mode,
      more: loose.length === 0 ? 'every module in the monolith' : `loose: ${loose.join(', ')}`,
    },
    {
      name: 'Traffic',
      value: rate(rps),
      unit: 'req/s',
      more: totals.shed === 0 ? 'nothing shed' : `${rate(totals.shed)} shed in the last tick`,
    },
    {
      name: 'Failed',
      value: percent(failed),
      more: '5xx or unreachable, last tick',
      ...(failed > 0.01 ? { tone: 'bad' } : {}),
    },
    forecastTile(second),
    anomalyTile(second),
    policy.version === 0
      ? { name: 'Policy', value: 'default', more: 'bundled; nothing pushed yet' }
      : { name: 'Policy', value: `v${policy.version}`, more: policy.name },
    ...(outbox ? [outboxTile(outbox)] : []),
  ]
}

function forecastTile({ forecaster, atMs }: SecondMessage): Tile {
  const name = 'Forecast, +5 min'
  switch (forecaster.kind) {
    case 'ready': {
      const { in5, madeAtMs, model } = forecaster.forecast
      const age = duration(atMs - madeAtMs)
      return {
        name,
        value: rate(in5.p50),
        unit: 'req/s',
        more: `${rate(in5.p10)} to ${rate(in5.p90)} · ${age} old · ${model}`,
      }
    }
    case 'warming':
      return { name, value: 'warming', more: `${forecaster.minutes} of ${forecaster.of} minutes of history` }
    case 'reactive':
      return { name, value: 'none', more: `reactive: ${forecaster.reason}`, tone: 'warned' }
  }
}

function anomalyTile({ anomaly }: SecondMessage): Tile {
  if (!anomaly) return { name: 'Anomaly', value: '–', more: 'no score yet' }
  const score = anomaly.score.toFixed(2)
  if (anomaly.score < 0.7) return { name: 'Anomaly', value: score, more: 'normal (99 % stay below 0.7)' }
  const tone = anomaly.score > 0.85 ? 'bad' : 'warned'
  return {
    name: 'Anomaly',
    value: score,
    more: `stands out: ${standsOut(anomaly.features)}`,
    tone,
  }
}

/** The two strongest features; a tile holds no more. */
function standsOut(features: readonly string[]): string {
  const [first = 'unknown', second, ...more] = featuresInWords(features)
  const rest = more.length === 0 ? '' : `, ${more.length} more`
  return second === undefined ? first : `${first}, ${second}${rest}`
}

function outboxTile({ rows, dropped }: { rows: number; dropped: number }): Tile {
  const lost =
    dropped > 0
      ? `waiting; ${dropped.toLocaleString('en-US')} lost`
      : rows > 0
        ? 'waiting for NATS; none lost'
        : 'nothing waits, none lost'
  return {
    name: 'Outbox',
    value: rows.toLocaleString('en-US'),
    more: lost,
    ...(dropped > 0 ? { tone: 'warned' } : {}),
  }
}

export function tileNode(tile: Tile): HTMLElement {
  const unit = tile.unit ? element('small', {}, ` ${tile.unit}`) : null
  return element(
    'div',
    { class: 'tile' },
    element('dt', {}, tile.name),
    element('dd', { class: `value ${tile.tone ?? ''}` }, tile.value, unit),
    element('dd', { class: 'more' }, tile.more),
  )
}
