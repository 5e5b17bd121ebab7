import { Refused } from './api.ts'
import { atMost, type Command, type Invocation, versionOf } from './command.ts'
import { historyOf, pathOf, pushText } from './policy-commands.ts'

export const rollbackCommand: Command = {
  words: 'policy rollback',
  usage: 'atlasctl policy rollback [NAME] [--to N] [--dry-run] [--wait SECONDS]',
  about: 'push an old version again, as a new one; without --to the one before the current',
  run: async (asked) => {
    atMost(asked, 1)
    const invocation = { ...asked, flags: { ...asked.flags, name: asked.args[0] ?? asked.flags.name } }
    const wanted = invocation.flags.to === null ? null : versionOf(invocation.flags.to, '--to')
    const { versions } = await historyOf(invocation)
    const [current, before] = versions
    const to = wanted ?? before?.version
    if (current === undefined || to === undefined || !versions.some(({ version }) => version === to))
      throw none(invocation, to ?? null, versions)
    const path = `${pathOf(invocation)}?version=${to}`
    const old = await invocation.api.send(path, { headers: { accept: 'application/json' } })
    if (!invocation.flags.json) invocation.print(`back to the content of version ${to}\n`)
    await pushText(invocation, await old.text(), { 'if-match': `"${current.version}"` })
  },
}

function none(
  { flags }: Invocation,
  to: number | null,
  versions: readonly { readonly version: number }[],
): Refused {
  const what = to === null ? 'no version before the current one' : `no version ${to}`
  return new Refused({
    type: 'about:blank',
    title: 'There is nothing to go back to',
    status: 404,
    detail: `policy "${flags.name}" has ${what} (kept: ${versions.map(({ version }) => version).join(', ')})`,
    code: 'policy/not-found',
  })
}
