import type { Change } from '../policy/diff.ts'
import type { PopRollout } from '../policy/rollout.ts'
import { Refused } from './api.ts'
import { answer, atMost, type Command, type Invocation, UsageError, versionOf } from './command.ts'
import { readStamp, stamp } from './policy-stamp.ts'
import { ago, plain, table, when } from './table.ts'

interface Pushed {
  readonly name: string
  readonly version: number
  readonly created: boolean
  readonly changes: readonly Change[]
}

interface History {
  readonly versions: readonly {
    readonly version: number
    readonly issuedAtMs: number
    readonly by: string | null
    readonly keyId: string
    readonly changes: number
  }[]
}

interface Rollout {
  readonly name: string
  readonly version: number
  readonly pops: readonly PopRollout[]
}

export const pushCommand: Command = {
  words: 'policy push',
  usage: 'atlasctl policy push FILE [--name NAME] [--version N] [--dry-run] [--wait SECONDS]',
  about:
    'sign a policy (YAML or JSON) and send it to all PoPs. N is the version the change was made from; a file that `policy get` wrote says so itself, else it is the current one',
  run: async (invocation) => {
    atMost(invocation, 1)
    const file = invocation.args[0]
    if (file === undefined) throw new UsageError('which file? atlasctl policy push FILE')
    const text = invocation.readFile(file)
    const { dryRun } = invocation.flags
    const path = pathOf(invocation)
    const headers = await preconditionOf(invocation, text)
    const pushed = await invocation.api.json<Pushed>(dryRun ? `${path}?dryRun=true` : path, {
      method: 'PUT',
      body: text,
      headers,
    })
    answer(invocation, pushed, (value) => pushedText(value, dryRun))
    if (!dryRun && !invocation.flags.json) await showArrival(invocation, pushed.version)
  },
}

export const getCommand: Command = {
  words: 'policy get',
  usage: 'atlasctl policy get [--name NAME] [--version N]',
  about: 'a policy as YAML (JSON with --json), ready to be changed and pushed back',
  run: async (invocation) => {
    atMost(invocation, 0)
    const { version, json, name } = invocation.flags
    const query = version === null ? '' : `?version=${versionOf(version)}`
    const accept = json ? 'application/json' : 'application/yaml'
    const response = await invocation.api.send(`${pathOf(invocation)}${query}`, { headers: { accept } })
    const text = await response.text()
    const current = Number(response.headers.get('etag')?.replaceAll('"', ''))
    invocation.print(json ? `${text}\n` : stamp(name, current) + text)
  },
}

export const historyCommand: Command = {
  words: 'policy history',
  usage: 'atlasctl policy history [--name NAME]',
  about: 'the versions of a policy: when and by whom',
  run: async (invocation) => {
    atMost(invocation, 0)
    const history = await invocation.api.json<History>(`${pathOf(invocation)}/history`)
    answer(invocation, history, ({ versions }) =>
      table(
        [
          { head: 'VERSION', right: true },
          { head: 'PUSHED' },
          { head: 'BY' },
          { head: 'KEY' },
          { head: 'CHANGES', right: true },
        ],
        versions.map((each) => [
          String(each.version),
          when(each.issuedAtMs),
          each.by ?? '-',
          each.keyId,
          String(each.changes),
        ]),
      ),
    )
  },
}

export const rolloutCommand: Command = {
  words: 'policy rollout',
  usage: 'atlasctl policy rollout [--name NAME]',
  about: 'which PoP has which version of a policy, and why not',
  run: async (invocation) => {
    atMost(invocation, 0)
    answer(invocation, await rollout(invocation), rolloutText)
  },
}

function pathOf({ flags }: Invocation): string {
  return `/v1/policies/${encodeURIComponent(flags.name)}`
}

/** If-Match of a push: `--version`, else the file's stamp, else the version that is there now. */
async function preconditionOf(invocation: Invocation, text: string): Promise<Record<string, string>> {
  const { version, name } = invocation.flags
  if (version !== null) return { 'if-match': `"${versionOf(version)}"` }
  const stamped = readStamp(text)
  if (stamped?.name === name) return { 'if-match': `"${stamped.version}"` }
  try {
    const current = await invocation.api.send(pathOf(invocation))
    await current.body?.cancel()
    return { 'if-match': current.headers.get('etag') ?? '' }
  } catch (thrown) {
    if (thrown instanceof Refused && thrown.problem.status === 404) return { 'if-none-match': '*' }
    throw thrown
  }
}

function pushedText({ name, version, created, changes }: Pushed, dryRun: boolean): string {
  const verb = dryRun ? 'would be' : 'is'
  const head = `policy "${name}" ${verb} version ${version}`
  if (created) return `${head} (new)\n`
  if (changes.length === 0) return `${head}, with the content it had\n`
  const side = (value: unknown) => (value === undefined ? '(absent)' : JSON.stringify(value))
  const lines = changes.map(({ path, before, after }) => `  ${path}: ${side(before)} -> ${side(after)}`)
  return `${head}\n${lines.map(plain).join('\n')}\n`
}

const POLL_MS = 100

/** Waits until every PoP that is heard of has answered, then shows who has it. */
async function showArrival(invocation: Invocation, version: number): Promise<void> {
  let left = invocation.flags.waitMs
  for (;;) {
    const state = await rollout(invocation)
    const open = state.pops.filter((pop) => !pop.stale && (pop.version ?? 0) < version)
    if (open.length === 0 || left <= 0) {
      invocation.print(state.pops.length === 0 ? 'no PoP follows it yet\n' : rolloutText(state))
      return
    }
    await invocation.sleep(POLL_MS)
    left -= POLL_MS
  }
}

function rollout(invocation: Invocation): Promise<Rollout> {
  return invocation.api.json<Rollout>(`${pathOf(invocation)}/rollout`)
}

function rolloutText({ name, version, pops }: Rollout): string {
  const head = `policy "${name}", newest version ${version}\n`
  if (pops.length === 0) return `${head}no PoP follows it yet\n`
  const columns = [
    { head: 'POP' },
    { head: 'STATE' },
    { head: 'RUNNING', right: true },
    { head: 'TOOK MS', right: true },
    { head: 'HEARD' },
    { head: 'REASON' },
  ]
  const rows = pops.map((pop) => [
    pop.pop,
    pop.state,
    pop.running === null ? '-' : `v${pop.running}`,
    pop.latencyMs === null ? '-' : String(Math.round(pop.latencyMs)),
    pop.stale ? `stale, ${ago(Date.now() - pop.lastSeenMs)}` : 'now',
    refusalText(pop),
  ])
  return head + table(columns, rows)
}

function refusalText({ outcome, version, reason, faults }: PopRollout): string {
  if (outcome !== 'rejected') return ''
  const places = faults.map((fault) => `${fault.path}: ${fault.message}`)
  return [`refused v${version}: ${reason ?? 'no reason given'}`, ...places].join('; ')
}
