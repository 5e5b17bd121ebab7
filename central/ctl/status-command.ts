import { AtlasError } from '../../contract/errors.ts'
import type { ForecasterState } from '../../contract/messages.ts'
import type { LinkStatus } from '../nats/link.ts'
import type { PopSummary } from '../server/pop-summary.ts'
import { answer, atMost, type Command } from './command.ts'
import { ago, plain, rate, table } from './table.ts'

interface Pops {
  readonly nowMs: number
  readonly nats: LinkStatus
  readonly pops: readonly PopSummary[]
}

export const statusCommand: Command = {
  words: 'status',
  usage: 'atlasctl status',
  about: 'PoPs with mode, load, forecast, anomaly and policy, and whether NATS is there',
  run: async (invocation) => {
    atMost(invocation, 0)
    const pops = await invocation.api.json<Pops>('/v1/pops')
    answer(invocation, pops, (value) => statusText(invocation.api.url, value))
  },
}

export const couplingCommand: Command = {
  words: 'coupling show',
  usage: 'atlasctl coupling show [--pop NAME]',
  about: 'the modules of each PoP, tight or loose, with their load',
  run: async (invocation) => {
    atMost(invocation, 0)
    const { pops } = await invocation.api.json<Pops>('/v1/pops')
    const { pop: name } = invocation.flags
    const wanted = pops.filter(({ pop }) => name === null || pop === name)
    if (name !== null && wanted.length === 0) {
      const heard = pops.map(({ pop }) => pop).join(', ') || 'none'
      throw new AtlasError('config/invalid', `no PoP "${name}" has been heard of (heard of: ${heard})`)
    }
    answer(
      invocation,
      wanted.map(({ pop, stale, second }) => ({
        pop,
        stale,
        mode: second?.mode ?? null,
        modules: second?.modules ?? [],
      })),
      () => couplingText(wanted),
    )
  },
}

function statusText(url: string, { nats, pops }: Pops): string {
  const why = nats.error === null ? '' : ` (${plain(nats.error)})`
  const head = `central ${url}   NATS ${nats.state}${why}\n`
  if (pops.length === 0) return `${head}no PoP has been heard of yet\n`
  const columns = [
    { head: 'POP' },
    { head: 'MODE' },
    { head: 'REQ/S', right: true },
    { head: '5XX', right: true },
    { head: 'UNREACHABLE', right: true },
    { head: 'IN 5 MIN', right: true },
    { head: '10..90 %', right: true },
    { head: 'ANOMALY', right: true },
    { head: 'POLICY', right: true },
    { head: 'OUTBOX', right: true },
    { head: 'HEARD' },
  ]
  return `${head}\n${table(columns, pops.map(statusRow))}`
}

function statusRow({ pop, second, silentMs, stale }: PopSummary): string[] {
  const heard = stale ? `stale, ${ago(silentMs)}` : 'now'
  if (!second) return [pop, ...Array(9).fill('-'), heard]
  return [
    pop,
    second.mode,
    rate(second.rps),
    String(second.modules.reduce((sum, { errors5xx }) => sum + errors5xx, 0)),
    String(second.modules.reduce((sum, { unreachable }) => sum + unreachable, 0)),
    ...forecastCells(second.forecaster),
    second.anomaly ? second.anomaly.score.toFixed(2) : '-',
    second.policy.version === 0 ? 'default' : `v${second.policy.version}`,
    second.outbox ? String(second.outbox.rows) : '-',
    heard,
  ]
}

function forecastCells(forecaster: ForecasterState): [string, string] {
  switch (forecaster.kind) {
    case 'ready': {
      const { p10, p50, p90 } = forecaster.forecast.in5
      return [rate(p50), `${rate(p10)}..${rate(p90)}`]
    }
    case 'warming':
      return ['warming', `${forecaster.minutes}/${forecaster.of} min`]
    case 'reactive':
      return ['reactive', '-']
  }
}

function couplingText(pops: readonly PopSummary[]): string {
  if (pops.length === 0) return 'no PoP has been heard of yet\n'
  const columns = [
    { head: 'POP' },
    { head: 'MODULE' },
    { head: 'COUPLING' },
    { head: 'REQ/S', right: true },
    { head: '5XX', right: true },
    { head: 'P99 MS', right: true },
  ]
  const rows = pops.flatMap(({ pop, second, stale }) =>
    (second?.modules ?? []).map((module) => [
      stale ? `${pop} (stale)` : pop,
      module.name,
      module.loose ? 'loose' : 'tight',
      rate(module.rps),
      String(module.errors5xx),
      module.p99Ms === null ? '-' : rate(module.p99Ms),
    ]),
  )
  return table(columns, rows)
}
