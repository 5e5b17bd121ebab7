import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { Api, type ApiOptions, Refused } from './api.ts'
import { ADDRESS_FILE, centralAddress } from './central-address.ts'
import { UsageError } from './command.ts'
import { findCommand, helpOf, overview, subcommandsOf } from './commands.ts'
import { plain } from './table.ts'

/** `atlasctl`: reads the command line, runs one command, says what went wrong in one place. */
const root = fileURLToPath(new URL('../..', import.meta.url))
/** npm runs scripts in the project's root; paths on the command line are the caller's. */
const cwd = process.env.INIT_CWD ?? process.cwd()

const args = process.argv.slice(2)
process.exitCode = await dispatch()

/** Some commands are other programs. */
function dispatch(): Promise<number> {
  const [first, second, ...rest] = args
  if (first === 'up') return run('central/up/main.node.ts', args.slice(1))
  if (first === 'keys') return run('central/up/keys.node.ts', args.slice(1))
  if (first === 'model' && second === 'train' && isLocal(rest)) return run('central/train/main.node.ts', rest)
  if (first === 'model' && second === 'eval') return run('central/eval/main.node.ts', rest)
  return main(args)
}

/** Whether a training is to run here: it writes files, or is one of the kinds that central does not do. */
function isLocal(rest: readonly string[]): boolean {
  return /^(region|average)$/.test(rest[0] ?? '') || rest.some((arg) => /^--(out|on|forest)(=|$)/.test(arg))
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(argv)
    const found = findCommand(positionals)
    if (values.help || argv.length === 0) {
      process.stdout.write(found ? helpOf(found.command) : overview())
      return 0
    }
    const under = found ? null : subcommandsOf(positionals)
    if (under !== null) {
      const what =
        positionals.length === 1 ? `${positionals[0]} what?` : `unknown command "${positionals.join(' ')}".`
      process.stderr.write(plain(`atlasctl: ${what} There are:`).concat(`\n${under}`))
      return 2
    }
    if (!found) throw new UsageError(`unknown command ${JSON.stringify(positionals.join(' '))}`)
    await found.command.run({
      api: new Api({
        url: urlOf(values.url, values['state-dir']),
        ...tokenOf(values['token-file'], values['state-dir']),
      }),
      args: found.rest,
      flags: {
        json: values.json,
        name: values.name,
        pop: values.pop ?? null,
        version: values.version ?? null,
        to: values.to ?? null,
        dryRun: values['dry-run'],
        waitMs: secondsOf(values.wait) * 1000,
        force: values.force,
        reason: values.reason ?? null,
        manifest: values.manifest ?? null,
        fp32: values.fp32 ?? null,
        file: values.file ?? null,
        global: values.global,
        quick: values.quick,
        open: values.open,
        limit: values.limit ?? null,
      },
      print: (text) => process.stdout.write(text),
      readFile: (path) => readUserFile(path).toString('utf8'),
      readBytes: (path) => new Uint8Array(readUserFile(path)),
      sleep: (ms) => sleep(ms),
    })
    return 0
  } catch (thrown) {
    return fail(thrown)
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        'token-file': { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        name: { type: 'string', default: 'default' },
        pop: { type: 'string' },
        version: { type: 'string' },
        to: { type: 'string' },
        'state-dir': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        wait: { type: 'string', default: '5' },
        force: { type: 'boolean', default: false },
        reason: { type: 'string' },
        manifest: { type: 'string' },
        fp32: { type: 'string' },
        file: { type: 'string' },
        global: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        open: { type: 'boolean', default: false },
        limit: { type: 'string' },
      },
    })
  } catch (thrown) {
    throw new UsageError(messageOf(thrown).split('. ')[0])
  }
}

function fail(thrown: unknown): number {
  const say = (text: string) => process.stderr.write(`${plain(text)}\n`)
  if (thrown instanceof UsageError) {
    say(`atlasctl: ${thrown.message}; see atlasctl --help`)
    return 2
  }
  if (thrown instanceof Refused) {
    say(`atlasctl: ${thrown.problem.title}`)
    if (thrown.faults.length === 0) say(`  ${thrown.problem.detail}`)
    for (const { path, message } of thrown.faults) say(`  ${path || 'document'}: ${message}`)
    if (thrown.problem.status === 401 || thrown.problem.status === 403) {
      if (thrown.tokenFile !== null) say(`  the token was that of ${thrown.tokenFile}`)
      say(
        '  set ATLAS_TOKEN, or name a file with --token-file, or the state of another npm start with --state-dir',
      )
    }
    return 1
  }
  if (!(thrown instanceof AtlasError)) throw thrown
  say(`atlasctl: ${thrown.message}`)
  return thrown.code === 'sync/unavailable' ? 3 : 1
}

function stateFile(stateDir: string | undefined, name: string): string {
  return resolve(stateDir === undefined ? root : cwd, stateDir ?? '.atlas', name)
}

function urlOf(flag: string | undefined, stateDir: string | undefined): string {
  const file = stateFile(stateDir, ADDRESS_FILE)
  return centralAddress({
    flag: flag ?? null,
    variable: process.env.ATLAS_CENTRAL_URL ?? null,
    isStateNamed: stateDir !== undefined,
    kept: existsSync(file) ? readUserFile(file).toString('utf8') : null,
  })
}

/** The token to send, and the file it is of; one that was not asked for may be left out where reads are open. */
function tokenOf(
  flag: string | undefined,
  stateDir: string | undefined,
): Pick<ApiOptions, 'token' | 'tokenFile' | 'optionalToken'> {
  const read = (path: string) => {
    const token = readUserFile(path).toString('utf8').trim()
    if (/^[!-~]{1,4096}$/.test(token)) return token
    throw new AtlasError(
      'config/invalid',
      `${path} is no token file: it must hold one token and nothing else`,
    )
  }
  if (flag !== undefined) return { token: read(flag), tokenFile: flag }
  if (process.env.ATLAS_TOKEN) return { token: process.env.ATLAS_TOKEN }
  const own = stateFile(stateDir, 'keys/operator.token')
  if (!existsSync(own)) return { token: null }
  return { token: read(own), tokenFile: own, optionalToken: true }
}

function secondsOf(text: string): number {
  const seconds = Number(text)
  if (text !== '' && seconds >= 0 && seconds <= 600) return seconds
  throw new UsageError(`--wait must be seconds from 0 to 600, but is ${JSON.stringify(text)}`)
}

function readUserFile(path: string): Buffer {
  try {
    return readFileSync(resolve(cwd, path))
  } catch (cause) {
    throw new AtlasError('config/invalid', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** Runs another program in this one's place: its output, signals and exit code. */
function run(program: string, rest: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, resolve(root, program), ...rest], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('exit', (code) => done(code ?? 1))
  })
}
