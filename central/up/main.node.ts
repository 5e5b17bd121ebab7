import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AtlasError } from '../../contract/errors.ts'
import { ADDRESS_FILE } from '../ctl/central-address.ts'
import { CentralClient } from './central-client.ts'
import { checkStack } from './check.ts'
import { atlasctlCommand, hintLines } from './hints.ts'
import { LinePrinter } from './line-printer.ts'
import { liveLine } from './live-line.ts'
import { findNatsServer } from './nats-binary.ts'
import { parseOptions, type UpOptions, USAGE } from './options.ts'
import { choosePolicy, type PolicyChoice } from './policy-choice.ts'
import { faultLines } from './policy-file.ts'
import { unreachable } from './probe.ts'
import { type Stack, startStack } from './stack.ts'
import { startTraffic } from './traffic.ts'

/** `npm start`: everything of ATLAS on this machine, in front of the example storefront or the user's own server. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const cwd = process.env.INIT_CWD ?? process.cwd()
const cacheDir = join(root, '.atlas/cache')

const givenUp = new AbortController()
let starting: Promise<Stack> | null = null
let stack: Stack | null = null
let stopping: Promise<never> | null = null
/** Where a check keeps its state; removed at its end. */
let tempDir: string | null = null

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0))
const parent = process.ppid
setInterval(() => process.ppid !== parent && void stop(0), 1000).unref()

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(USAGE)
  else await up(options)
} catch (thrown) {
  if (stopping === null) {
    starting = null
    if (thrown instanceof AtlasError) for (const line of faultLines(thrown)) console.error(line)
    else console.error(thrown)
    await stop(1)
  }
}

async function up(options: UpOptions): Promise<void> {
  const choice = choosePolicy(options, { cwd, root })
  for (const line of choice.told) say(line)
  const natsServer = options.nats ? await natsServerPath() : null
  await warnOfOrigin(choice)
  if (options.check) tempDir = mkdtempSync(join(tmpdir(), 'atlas-check-'))
  const stateDir = tempDir ?? resolve(cwd, options.stateDir ?? join(root, '.atlas'))
  starting = startStack({
    root,
    stateDir,
    cacheDir,
    policy: choice.policy,
    storefront: choice.storefront,
    natsServer,
    ...(options.check ? {} : { ports: options.ports }),
    signal: givenUp.signal,
    say,
  })
  stack = await starting
  if (stopping) return
  if (stack.takenUp) say('the last run did not stop cleanly; its state is taken up')
  const central = await bringPolicy(stack)
  await settled(stack, central?.version ?? 0)
  if (options.check) return check(stack, central, choice.storefront)
  keepAddress(stack)
  console.log(readyLine(stack))
  const atlasctl = atlasctlCommand({ cwd, root, stateDir })
  for (const line of hintLines(stack, choice, options.traffic, atlasctl)) console.log(line)
  if (options.traffic > 0)
    void startTraffic(stack.urls.edges[0] ?? '', options.traffic, {
      shop: choice.storefront,
      signal: givenUp.signal,
    })
  if (!options.quiet) await live(stack)
}

/** atlasctl finds central by it, whatever port it has. */
function keepAddress({ urls, state }: Stack): void {
  const file = state.file(ADDRESS_FILE)
  if (urls.central === null) rmSync(file, { force: true })
  else writeFileSync(file, `${urls.central}\n`)
}

async function natsServerPath(): Promise<string | null> {
  const binary = await findNatsServer(cacheDir, say)
  if (binary.found) return binary.path
  say(
    `nats-server was not found (${binary.tried.join('; ')}). The edge starts on its own (island): no central, no policy push. Install nats-server, or name it in NATS_SERVER_BIN`,
  )
  return null
}

async function warnOfOrigin({ storefront, policy: { origin } }: PolicyChoice): Promise<void> {
  if (storefront || !/^https?:/.test(origin)) return
  const why = await unreachable(origin)
  if (why !== null)
    say(
      `the origin ${origin} does not answer (${why}); ATLAS starts all the same, requests get 502 until it does`,
    )
}

/** Pushes the policy, unless it is the one that was brought last time: what was pushed since then stays. */
async function bringPolicy({ urls, state, policy, policyName, operatorToken }: Stack) {
  if (urls.central === null) return null
  const client = new CentralClient(urls.central, operatorToken)
  const file = state.file('policy.sha256')
  const hash = createHash('sha256').update(JSON.stringify(policy)).digest('hex')
  const known = existsSync(file) && readFileSync(file, 'utf8') === hash
  const { version, changed } = await client.bring(policyName, policy, { keep: known })
  writeFileSync(file, hash)
  if (changed) say(`policy "${policyName}" pushed as version ${version}`)
  return { client, version }
}

/** Waits until the PoP has ticked and follows central's policy; at most 5 s, for it serves all the while. */
async function settled(running: Stack, version: number): Promise<void> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline && !stopping; ) {
    const second = (await running.status())?.second
    if (second && second.policy.version >= version) return
    await delay(50)
  }
}

async function check(running: Stack, central: Awaited<ReturnType<typeof bringPolicy>>, shop: boolean) {
  console.log(readyLine(running))
  const { seen, missed } = await checkStack(running, central, shop)
  for (const line of seen) console.log(line)
  for (const line of missed) console.log(`missed: ${line}`)
  console.log(missed.length === 0 ? 'check: good' : `check: failed, because ${missed[0]}`)
  await stop(missed.length === 0 ? 0 : 1)
}

function readyLine({ urls, state }: Stack): string {
  const brain = urls.central === null ? 'no central (island)' : `central ${urls.central}`
  return `ready: edge ${urls.edges[0]} · ${brain} · origin ${urls.origin} · logs ${state.file('logs')} · Ctrl-C stops`
}

/** One line per second; on a terminal, while nothing happens, always the same one. */
async function live(running: Stack): Promise<void> {
  const printer = new LinePrinter(process.stdout)
  for (;;) {
    const began = Date.now()
    const status = await running.status()
    if (stopping) return
    const idle = (status?.second?.rps ?? 0) === 0
    printer.print(new Date().toTimeString().slice(0, 8), liveLine(status), idle)
    await delay(Math.max(0, 1000 - (Date.now() - began)))
  }
}

function say(line: string): void {
  console.log(`atlas: ${line}`)
}

/** Ends everything, once. A second signal does not hasten it: every part is given its few seconds at most. */
function stop(code: number): Promise<never> {
  stopping ??= (async () => {
    const began = Date.now()
    if (starting && tempDir === null) say('stopping')
    givenUp.abort()
    stack ??= (await starting?.catch(() => null)) ?? null
    await stack?.stop()
    if (tempDir !== null) rmSync(tempDir, { recursive: true, force: true })
    else if (stack) say(`stopped in ${((Date.now() - began) / 1000).toFixed(1)} s`)
    process.exit(code)
  })()
  return stopping
}
