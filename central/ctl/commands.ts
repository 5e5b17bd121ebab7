import { alertsCommand } from './alerts-command.ts'
import type { Command } from './command.ts'
import { explainCommand } from './explain-command.ts'
import { modelCommands } from './model-commands.ts'
import { getCommand, historyCommand, listCommand, pushCommand, rolloutCommand } from './policy-commands.ts'
import { rollbackCommand } from './rollback-command.ts'
import { couplingCommand, statusCommand } from './status-command.ts'
import { trainingCommands } from './training-commands.ts'

const COMMANDS: readonly Command[] = [
  statusCommand,
  listCommand,
  pushCommand,
  rollbackCommand,
  getCommand,
  historyCommand,
  rolloutCommand,
  couplingCommand,
  alertsCommand,
  explainCommand,
  ...modelCommands,
  ...trainingCommands,
]

/** The command whose words the arguments begin with, and the arguments that are left. */
export function findCommand(args: readonly string[]): { command: Command; rest: string[] } | null {
  for (const command of COMMANDS) {
    const words = command.words.split(' ')
    if (words.every((word, index) => args[index] === word)) return { command, rest: args.slice(words.length) }
  }
  return null
}

/** Commands that begin with the word given, where it alone is none: `policy`. */
export function subcommandsOf(args: readonly string[]): string | null {
  const [first] = args
  const under = COMMANDS.filter(({ words }) => words.startsWith(`${first} `))
  if (first === undefined || under.length === 0) return null
  return `${under.map(({ usage, about }) => `  ${usage}\n      ${about}`).join('\n')}\n`
}

const COMMON = `Every command takes
  --url URL          central's address (ATLAS_CENTRAL_URL; default the one that npm start keeps in the state directory)
  --token-file FILE  file with a bearer token (ATLAS_TOKEN holds the token itself; default .atlas/keys/operator.token)
  --state-dir DIR    where npm start keeps its state (.atlas); central's address and the token are looked for there
  --json             the answer as JSON
  --help             this text
Exit codes: 0 done, 1 refused or failed, 2 command line not understood, 3 central cannot be reached.
`

export function overview(): string {
  const lines = [
    ...COMMANDS.map(({ usage, about }) => `  ${usage}\n      ${about}`),
    ...PROGRAMS.map(([usage, about]) => `  ${usage}\n      ${about}`),
  ]
  return `atlasctl: ask and steer ATLAS's central brain\n\n${lines.join('\n')}\n\n${COMMON}`
}

export function helpOf({ usage, about }: Command): string {
  return `${usage}\n    ${about}\n\n${COMMON}`
}

/** Commands that are programs of their own. */
const PROGRAMS = [
  [
    'atlasctl up [OPTIONS]',
    'start all of ATLAS here, as `npm start` does; `atlasctl up --help` lists its options',
  ],
  [
    'atlasctl keys [POP…]',
    "keys for central and PoPs, and nats-server's configuration; `atlasctl keys --help`",
  ],
  [
    'atlasctl model train --out DIR [OPTIONS]',
    'train here, as `npm run train` does; the files go to DIR, and central hears nothing of it',
  ],
  ['atlasctl model eval AREA [OPTIONS]', 'measure them on recorded data, as `npm run eval` does'],
] as const
