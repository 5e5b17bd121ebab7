import { AtlasError } from '../../contract/errors.ts'
import type { AdaptationRelease } from '../../contract/model/adaptation.ts'
import type { AdaptationsShown } from '../registry/adaptations.ts'
import { HORIZONS } from '../registry/measured.ts'
import type { IncidentExamples } from '../training/minute-store.ts'
import type { TrainingState } from '../training/training-state.ts'
import { answer, atMost, type Command, type Invocation, UsageError } from './command.ts'
import { plain, table, when } from './table.ts'

const POLL_MS = 1_000
const SHORT = 12
const JSON_BODY = { 'content-type': 'application/json' }

const trainCommand: Command = {
  words: 'model train',
  usage: 'atlasctl model train [--pop NAME] [--global] [--quick] [--reason TEXT] | stop',
  about:
    'have central train from the minutes that PoPs recorded: regressions for each PoP’s own series and, with --global, a new model for all, which goes into shadow; `stop` ends a training. With --out DIR it trains here instead',
  run: async (invocation) => {
    const { api, args, flags } = invocation
    if (args[0] === 'stop') {
      atMost(invocation, 1)
      await api.json('/v1/models/training', { method: 'DELETE' })
      invocation.print('the training is cancelled\n')
      return
    }
    atMost(invocation, 0)
    const { global, quick, pop } = flags
    const call = { global, quick, reason: flags.reason ?? '', ...(pop !== null && { pops: [pop] }) }
    const body = JSON.stringify(call)
    await follow(invocation, () => api.json('/v1/models/train', { method: 'POST', body, headers: JSON_BODY }))
  },
}

const trainingCommand: Command = {
  words: 'model training',
  usage: 'atlasctl model training',
  about: 'the training that runs in central, or what became of the last one',
  run: async (invocation) => {
    atMost(invocation, 0)
    const { training } = await invocation.api.json<{ training: TrainingState | null }>('/v1/models/training')
    answer(invocation, training, (state) =>
      state === null ? 'no training since central started\n' : stateText(state),
    )
  },
}

const adaptCommand: Command = {
  words: 'model adapt',
  usage: 'atlasctl model adapt [POP [none]] [--file CSV] [--quick] [--reason TEXT]',
  about:
    'fit a PoP’s own series, from its recorded minutes or from a trace (timestamp_utc,value: a count a minute), and publish what is better on the last fifth; `none` withdraws it; without a PoP, all that are published',
  run: async (invocation) => {
    const { api, args, flags } = invocation
    atMost(invocation, 2)
    const [pop, none] = args
    if (pop === undefined) return shown(invocation)
    const path = `/v1/models/adaptations/${encodeURIComponent(pop)}`
    const query = `reason=${encodeURIComponent(flags.reason ?? '')}`
    if (none === 'none') {
      const release = await api.json<AdaptationRelease>(`${path}?${query}`, { method: 'DELETE' })
      return answer(invocation, release, () => plain(`${pop} goes on without adaptation`).concat('\n'))
    }
    if (none !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(none)}`)
    const body = flags.file === null ? '' : invocation.readFile(flags.file)
    const asked = `${path}?${query}${flags.quick ? '&quick=1' : ''}`
    const { state, adaptations } = await follow(invocation, () =>
      api.json(asked, { method: 'POST', ...(body !== '' && { body }) }),
    )
    if (state === 'done' && adaptations.every(({ version }) => version === null))
      throw new AtlasError('model/not-proven', `nothing is published; ${plain(pop)} goes on as it was`)
  },
}

const examplesCommand: Command = {
  words: 'incident examples',
  usage: 'atlasctl incident examples [--pop NAME] > FILE',
  about:
    'recorded traffic from an hour before to an hour after each incident, for `npm run train -- --examples FILE`',
  run: async (invocation) => {
    atMost(invocation, 0)
    const { pop } = invocation.flags
    const query = pop === null ? '' : `?pop=${encodeURIComponent(pop)}`
    const examples = await invocation.api.json<IncidentExamples>(`/v1/models/examples${query}`)
    invocation.print(`${JSON.stringify(examples)}\n`)
  },
}

export const trainingCommands: readonly Command[] = [
  trainCommand,
  trainingCommand,
  adaptCommand,
  examplesCommand,
]

/** Lines of what is published for PoPs' own series; empty where nothing is. `beside`: only what stands beside this model file. */
export function adaptationsText(all: readonly AdaptationsShown[], beside?: string): string {
  const rows = all.flatMap(({ pop, release, entries, told }) =>
    entries
      .filter((entry) => beside === undefined || entry.beside === beside)
      .map(({ series, hash, horizons, beside: own, ...entry }) => [
        pop,
        series,
        String(release.version),
        hash.slice(0, SHORT),
        own.slice(0, SHORT),
        ...HORIZONS.map((horizon) => ratioText(horizons?.[horizon] ?? null)),
        told?.hash === hash ? 'in use' : (told?.fault ?? `not in use${entry.ratio === null ? '' : ' yet'}`),
      ]),
  )
  if (rows.length === 0) return ''
  const heads = ['POP', 'SERIES', 'VERSION', 'HASH', 'BESIDE', '+5', '+15', '+60', 'AT THE POP']
  const columns = heads.map((head) => ({ head, ...(head.startsWith('+') && { right: true }) }))
  return `adaptations; error on the minutes held back, as a share of that without\n${table(columns, rows)}`
}

async function shown(invocation: Invocation): Promise<void> {
  const { adaptations } = await invocation.api.json<{ adaptations: AdaptationsShown[] }>(
    '/v1/models/adaptations',
  )
  answer(invocation, adaptations, (all) => adaptationsText(all) || 'no PoP has an adaptation\n')
}

/** Begins a training and prints what it says until it is over. @throws AtlasError `setup/failed` when it fails */
async function follow(invocation: Invocation, begin: () => Promise<TrainingState>): Promise<TrainingState> {
  const { api, flags, print, sleep } = invocation
  const { startedAtMs } = await begin()
  if (!flags.json)
    print('central trains, with or without this command; `atlasctl model train stop` ends it\n')
  for (let heard = 0; ; await sleep(POLL_MS)) {
    const { training } = await api.json<{ training: TrainingState | null }>('/v1/models/training')
    if (training?.startedAtMs !== startedAtMs)
      throw new AtlasError('setup/failed', 'central was started anew, or trains something else by now')
    const fresh = training.said - heard
    heard = training.said
    if (!flags.json && fresh > 0) print(`${training.lines.slice(-fresh).map(plain).join('\n')}\n`)
    if (training.state === 'running') continue
    if (training.state === 'failed') throw new AtlasError('setup/failed', training.error ?? 'it failed')
    if (flags.json) print(`${JSON.stringify(training, null, 2)}\n`)
    else if (training.state === 'cancelled') print('the training was cancelled\n')
    return training
  }
}

function stateText(state: TrainingState): string {
  const { trigger, by, reason, startedAtMs, lines, error } = state
  const why = reason === '' ? '' : `: ${reason}`
  const ended = state.endedAtMs === null ? '' : `, ended ${when(state.endedAtMs)}`
  const head = `${state.state}, begun ${when(startedAtMs)} by ${by} (${trigger}${why})${ended}`
  return `${[head, ...lines.slice(-10), ...(error === null ? [] : [error])].map(plain).join('\n')}\n`
}

function ratioText(ratio: number | null): string {
  return ratio === null ? '-' : ratio.toFixed(3)
}
