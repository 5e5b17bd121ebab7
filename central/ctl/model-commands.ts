import type { ModelManifest } from '../../contract/model/manifest.ts'
import type { Release } from '../../contract/model/release.ts'
import type { AdaptationsShown } from '../registry/adaptations.ts'
import { HORIZONS, type Pairing } from '../registry/measured.ts'
import type { ModelEntry } from '../registry/model-store.ts'
import type { Overview, Periods } from '../registry/registry.ts'
import { answer, atMost, type Command, type Invocation, UsageError } from './command.ts'
import { measuredText, putCommand } from './model-put-command.ts'
import { plain, table, when } from './table.ts'
import { adaptationsText } from './training-commands.ts'

interface Shown {
  readonly entry: ModelEntry
  readonly role: string | null
  readonly manifest: ModelManifest
  readonly pairing: Pairing | null
}

/** Long enough to be told apart, short enough to be typed. */
const SHORT = 12

const listCommand: Command = {
  words: 'model ls',
  usage: 'atlasctl model ls',
  about: 'models of the registry, which of them run, and the last releases',
  run: async (invocation) => {
    atMost(invocation, 0)
    const overview = await invocation.api.json<Overview>('/v1/models')
    const { adaptations } = await adaptationsOf(invocation)
    answer(invocation, overview, (all) => overviewText(all) + adaptationsText(adaptations))
  },
}

const showCommand: Command = {
  words: 'model show',
  usage: 'atlasctl model show HASH|champion|challenger|former',
  about: 'one model: what it was trained on, and its measured error beside that of the champion',
  run: async (invocation) => {
    const shown = await invocation.api.json<Shown>(pathOf(invocation))
    const { adaptations } = await adaptationsOf(invocation)
    const { sha256 } = shown.manifest.forecaster.file
    answer(invocation, shown, (model) => shownText(model) + adaptationsText(adaptations, sha256))
  },
}

const shadowCommand: Command = {
  words: 'model shadow',
  usage: 'atlasctl model shadow HASH|none [--reason TEXT] [--force]',
  about: 'have PoPs run a model beside the champion and measure both; it decides nothing',
  run: (invocation) => change(invocation, `${pathOf(invocation)}/shadow`),
}

const promoteCommand: Command = {
  words: 'model promote',
  usage: 'atlasctl model promote HASH|challenger [--force --reason TEXT]',
  about: 'make the challenger champion, if its measured error is better after the policy’s shadow time',
  run: (invocation) => change(invocation, `${pathOf(invocation)}/promote`),
}

const rollbackCommand: Command = {
  words: 'model rollback',
  usage: 'atlasctl model rollback [--reason TEXT]',
  about: 'bring the champion before the present one back',
  run: (invocation) => {
    atMost(invocation, 0)
    return change(invocation, '/v1/models/rollback')
  },
}

export const modelCommands: readonly Command[] = [
  listCommand,
  showCommand,
  putCommand,
  shadowCommand,
  promoteCommand,
  rollbackCommand,
]

function adaptationsOf({ api }: Invocation): Promise<{ adaptations: AdaptationsShown[] }> {
  return api.json('/v1/models/adaptations')
}

function pathOf(invocation: Invocation): string {
  atMost(invocation, 1)
  const [hash] = invocation.args
  if (hash === undefined) throw new UsageError('which model? `atlasctl model ls` lists them')
  return `/v1/models/${encodeURIComponent(hash)}`
}

async function change(invocation: Invocation, path: string): Promise<void> {
  const { force, reason } = invocation.flags
  if (force && !reason?.trim()) throw new UsageError('--force needs --reason TEXT, which is kept')
  const body = JSON.stringify({ force, reason: reason ?? '' })
  const headers = { 'content-type': 'application/json' }
  const release = await invocation.api.json<Release>(path, { method: 'POST', body, headers })
  answer(invocation, release, releaseText)
}

function releaseText({ version, champion, challenger, former }: Release): string {
  const beside = challenger !== null ? `, challenger ${short(challenger)}` : ''
  const before = former !== null ? `, on probation beside ${short(former)}` : ''
  return `release ${version}: champion ${short(champion)}${beside}${before}\n`
}

function overviewText({ release, history, models, pairing, drift, periods }: Overview): string {
  const rows = models.map((model) => [
    model.hash.slice(0, SHORT),
    model.name,
    model.role ?? '-',
    String(model.sizeBytes),
    model.measured === null ? '-' : model.measured.windowMs.toFixed(2),
    model.measured === null ? '-' : model.measured.sessionMs.toFixed(0),
    when(model.putAtMs),
    model.by,
  ])
  const columns = ['HASH', 'NAME', 'ROLE', 'BYTES', 'WINDOW ms', 'START ms', 'PUT', 'BY'].map((head) => ({
    head,
    right: head === 'BYTES' || head.endsWith('ms'),
  }))
  const releases = history
    .slice(0, 5)
    .map(({ version, action, issuedAtMs, by, reason }) =>
      plain(`  ${version}  ${when(issuedAtMs)}  ${action} by ${by}${reason === '' ? '' : `: ${reason}`}`),
    )
  const drifts = drift.flatMap(({ pop, ratio }) =>
    ratio === null ? [] : [plain(`  ${pop}: error of the last day ${ratio.toFixed(2)} times its baseline`)],
  )
  return [
    release.version === 0 ? 'no release yet: every PoP runs the model of its bundle\n' : releaseText(release),
    models.length === 0
      ? 'the registry is empty; `atlasctl model put FILE.onnx` stores a model\n'
      : table(columns, rows),
    pairing === null ? '' : pairingText(pairing, periods),
    drifts.length === 0 ? '' : `drift\n${drifts.join('\n')}\n`,
    releases.length === 0 ? '' : `last releases\n${releases.join('\n')}\n`,
  ].join('')
}

function shownText({ entry, role, manifest, pairing }: Shown): string {
  const { training, parameters } = manifest.forecaster
  const head = [
    `${entry.name}  ${entry.hash}`,
    `role ${role ?? 'none'}, put ${when(entry.putAtMs)} by ${entry.by}, ${entry.sizeBytes} bytes, ${parameters} parameters`,
    `trained: ${training.command}`,
  ]
  return `${head.map(plain).join('\n')}\n${measuredText(entry.measured)}${pairing === null ? 'not measured by PoPs now\n' : pairingText(pairing)}`
}

function pairingText(pairing: Pairing, periods?: Periods): string {
  const { role, rival, pops, shadowMs, horizons, ratio, asked, differed, faults } = pairing
  const of = role === 'challenger' ? periods?.shadowDays : periods?.probationDays
  const cell = (wape: number | null) => (wape === null ? '-' : `${wape.toFixed(1)} %`)
  const heads = ['HORIZON', 'CHAMPION', role.toUpperCase(), 'COVERAGE', 'FORECASTS']
  const rows = HORIZONS.map((horizon) => {
    const { championWape, rivalWape, coverage, count } = horizons[horizon]
    return [`+${horizon.slice(2)} min`, cell(championWape), cell(rivalWape), cell(coverage), String(count)]
  })
  const days = (shadowMs / 86_400_000).toFixed(2)
  const better = ratio === null ? '' : `; its error is ${ratio.toFixed(3)} times the champion's`
  const lines = [
    `${role} ${short(rival)} on ${pops.length} PoP${pops.length === 1 ? '' : 's'}, ${days}${of === undefined ? '' : ` of ${of}`} days of the series' time${better}`,
    `it would have asked for another mode in ${differed} of ${asked} minutes`,
    ...Object.entries(faults).map(([pop, fault]) => `${pop}: ${fault}`),
  ]
  const columns = heads.map((head, index) => ({ head, ...(index > 0 ? { right: true } : {}) }))
  return `${lines.map(plain).join('\n')}\n${table(columns, rows)}`
}

function short(ref: string): string {
  return ref.slice(0, SHORT)
}
