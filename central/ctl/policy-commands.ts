import type { Policy } from '../../contract/policy.ts'
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

interface Listed {
  readonly name: string
  readonly version: number
  readonly issuedAtMs: number
  readonly by: string | null
}

export interface History {
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
  usage: 'atlasctl policy push FILE [--name NAME] [--version N] [--dry-run] [--force] [--wait SECONDS]',
  about:
    'sign a policy (YAML or JSON) and send it to all PoPs. N is the version the change was made from; a file that `policy get` wrote says so itself, else it is the current one. What is there already is not pushed again, unless --force',
  run: async (invocation) => {
    atMost(invocation, 1)
    const file = invocation.args[0]
    if (file === undefined) throw new UsageError('which file? atlasctl policy push FILE')
    const text = invocation.readFile(file)
    await pushText(invocation, text, await preconditionOf(invocation, text))
  },
}

/** Pushes a text, unless it changes nothing, and shows where it arrived. */
export async function pushText(
  invocation: Invocation,
  text: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const { dryRun, force, json } = invocation.flags
  const path = pathOf(invocation)
  const put = (query: string) =>
    explained(invocation, () =>
      invocation.api.json<Pushed>(`${path}${query}`, { method: 'PUT', body: text, headers }),
    )
  const tried = await put('?dryRun=true')
  if (dryRun) return answer(invocation, tried, (value) => pushedText(value, true))
  if (!force && !tried.created && tried.changes.length === 0) {
    const version = tried.version - 1
    const same = { name: tried.name, version, created: false, changes: [], unchanged: true }
    return answer(
      invocation,
      same,
      () =>
        `policy "${same.name}" has that content already (version ${version}); nothing was pushed. --force pushes it all the same\n`,
    )
  }
  const pushed = await put('')
  answer(invocation, pushed, (value) => pushedText(value, false))
  if (json) return
  await showArrival(invocation, pushed.version)
  await noteClientLimits(invocation)
}

/** A conflict in the words of this program: which version there is, and the flag that names it. */
async function explained<T>(invocation: Invocation, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (thrown) {
    if (!(thrown instanceof Refused) || ![409, 412, 428].includes(thrown.problem.status)) throw thrown
    const current = await currentVersion(invocation)
    const { name } = invocation.flags
    const detail =
      current === null
        ? `there is no policy "${name}" any more; push it without --version`
        : `policy "${name}" is at version ${current}. See it with atlasctl policy get, and push yours over it with --version ${current}`
    throw new Refused({ ...thrown.problem, detail }, thrown.tokenFile)
  }
}

/** Number of the current version, or null when there is no such policy. */
async function currentVersion(invocation: Invocation): Promise<number | null> {
  try {
    const response = await invocation.api.send(pathOf(invocation))
    await response.body?.cancel()
    return Number(response.headers.get('etag')?.replaceAll('"', ''))
  } catch (thrown) {
    if (thrown instanceof Refused && thrown.problem.status === 404) return null
    throw thrown
  }
}

/** A limit by client needs a header that somebody must set. */
async function noteClientLimits(invocation: Invocation): Promise<void> {
  const policy = await invocation.api.json<Policy>(pathOf(invocation))
  const names = policy.limits.filter(({ key }) => key === 'client').map(({ name }) => name)
  if (names.length > 0)
    invocation.print(
      plain(
        `note: ${names.map((name) => `"${name}"`).join(', ')} limits by client: it counts only requests that bear ${policy.clientIpHeader}, which your load balancer must set (to try it: curl -H '${policy.clientIpHeader}: 192.0.2.1')`,
      ).concat('\n'),
    )
}

export const listCommand: Command = {
  words: 'policy list',
  usage: 'atlasctl policy list',
  about: 'the policies there are, with their current versions',
  run: async (invocation) => {
    atMost(invocation, 0)
    const { policies } = await invocation.api.json<{ policies: readonly Listed[] }>('/v1/policies')
    answer(invocation, policies, () =>
      policies.length === 0
        ? 'there is no policy yet; make one with atlasctl policy push FILE\n'
        : table(
            [{ head: 'NAME' }, { head: 'VERSION', right: true }, { head: 'PUSHED' }, { head: 'BY' }],
            policies.map(({ name, version, issuedAtMs, by }) => [
              name,
              String(version),
              when(issuedAtMs),
              by ?? '-',
            ]),
          ),
    )
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
    const response = await known(invocation, () =>
      invocation.api.send(`${pathOf(invocation)}${query}`, { headers: { accept } }),
    )
    const text = await response.text()
    const shown = Number(response.headers.get('etag')?.replaceAll('"', ''))
    const current = version === null ? shown : ((await currentVersion(invocation)) ?? shown)
    invocation.print(json ? `${text}\n` : stamp(name, shown, current) + text)
  },
}

export const historyCommand: Command = {
  words: 'policy history',
  usage: 'atlasctl policy history [--name NAME]',
  about: 'the versions of a policy: when and by whom',
  run: async (invocation) => {
    atMost(invocation, 0)
    const history = await historyOf(invocation)
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

export function historyOf(invocation: Invocation): Promise<History> {
  return known(invocation, () => invocation.api.json<History>(`${pathOf(invocation)}/history`))
}

/** A policy that is not there, in the words of this program. */
async function known<T>(invocation: Invocation, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (thrown) {
    if (!(thrown instanceof Refused) || !thrown.problem.detail.includes('PUT /v1/')) throw thrown
    const { name } = invocation.flags
    const detail = `there is no policy "${name}"; make it with atlasctl policy push FILE --name ${name}, or see which there are with atlasctl policy list`
    throw new Refused({ ...thrown.problem, detail }, thrown.tokenFile)
  }
}

export function pathOf({ flags }: Invocation): string {
  return `/v1/policies/${encodeURIComponent(flags.name)}`
}

/** If-Match of a push: `--version`, else the file's stamp, else the version that is there now. */
async function preconditionOf(invocation: Invocation, text: string): Promise<Record<string, string>> {
  const { version, name } = invocation.flags
  if (version !== null) return { 'if-match': `"${versionOf(version)}"` }
  const stamped = readStamp(text)
  if (stamped?.name === name) return { 'if-match': `"${stamped.version}"` }
  const current = await currentVersion(invocation)
  return current === null ? { 'if-none-match': '*' } : { 'if-match': `"${current}"` }
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
  return known(invocation, () => invocation.api.json<Rollout>(`${pathOf(invocation)}/rollout`))
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
