import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CentralClient } from '../../central/up/central-client.ts'
import { findNatsServer } from '../../central/up/nats-binary.ts'
import { readPolicyFile } from '../../central/up/policy-file.ts'
import { type PartName, type Stack, startStack } from '../../central/up/stack.ts'
import { STOREFRONT_POLICY } from '../../central/up/storefront.ts'
import { AtlasError } from '../../contract/errors.ts'
import { Crashes } from './crashes.ts'
import { Load } from './load.node.ts'
import { parseReplay, type ReplayOptions, USAGE } from './options.ts'
import { drawPng } from './picture.node.ts'
import { plotSvg } from './plot.ts'
import { progressLine } from './progress.ts'
import { Recorder, type ReplayRecord } from './record.ts'
import { reportOf, reportText } from './report.ts'

/** `npm run replay`: drives real HTTP load through a stack of its own, along a scenario or a trace, and tells what happened. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const cwd = process.env.INIT_CWD ?? process.cwd()
/** Time from the edge's start to the first request, in which it answers for the first time. */
const LEAD_MS = 1500

const ended = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (!ended.signal.aborted) say('ending: the load, then the edge, the shop, central and NATS are stopped')
    ended.abort()
  })
const parent = process.ppid
setInterval(() => process.ppid !== parent && ended.abort(), 1000).unref()

try {
  const options = parseReplay(process.argv.slice(2))
  if (options === null) process.stdout.write(USAGE)
  else await replay(options)
} catch (thrown) {
  if (!ended.signal.aborted) {
    console.error(thrown instanceof AtlasError ? `replay: ${thrown.message}` : thrown)
    process.exitCode = 1
  }
}
process.exit()

async function replay(options: ReplayOptions): Promise<void> {
  const { plan, speed, divisor, tickMs } = options
  const policy = readPolicyFile(join(root, STOREFRONT_POLICY))
  const stateDir = mkdtempSync(join(tmpdir(), 'atlas-replay-'))
  let wallStartMs = 0
  let stack: Stack | null = null
  try {
    const cacheDir = join(root, '.atlas/cache')
    const nats = await findNatsServer(cacheDir, say)
    stack = await startStack({
      root,
      stateDir,
      cacheDir,
      policy,
      storefront: true,
      natsServer: nats.found ? nats.path : null,
      timeScale: (nowMs) => {
        wallStartMs = nowMs + LEAD_MS
        return { wallStartMs, startMs: plan.startMs, speed, weight: divisor * speed }
      },
      tickMs,
      signal: ended.signal,
      say,
    })
    const { central } = stack.urls
    if (central) await new CentralClient(central, stack.operatorToken).bring(stack.policyName, stack.policy)
    say(`${plan.name}: ${plan.about}`)
    say(`${plan.minutes} trace minutes in ${((plan.minutes * 60) / speed).toFixed(0)} s; Ctrl-C ends it`)
    const record = await drive(stack, options, wallStartMs)
    await write(record, options, policy.coupling)
  } finally {
    await stack?.stop()
    if (ended.signal.aborted) say('stopped: load, edge, shop, central and NATS')
    rmSync(stateDir, { recursive: true, force: true })
  }
}

/** Sends the load, looks at the PoP all the while, and kills what the plan says. */
async function drive(stack: Stack, options: ReplayOptions, wallStartMs: number): Promise<ReplayRecord> {
  const { plan, speed, divisor, seed, tickMs } = options
  const [edge = ''] = stack.urls.edges
  const recorder = new Recorder(plan, divisor * speed)
  const load = new Load({ plan, edge, wallStartMs, speed, divisor, seed, recorder })
  const crashes = new Crashes(plan.crashes, (name) => stack.part(name as PartName).kill('SIGKILL'))
  const over = new AbortController()
  const minuteNow = () => ((Date.now() - wallStartMs) * speed) / 60_000
  let internalErrors = 0

  const look = async () => {
    for (let toldMs = 0; !over.signal.aborted; await delay(tickMs)) {
      const status = await stack.status()
      if (status) {
        recorder.looked(status)
        internalErrors = status.internalErrors
      }
      crashes.upTo(minuteNow(), status)
      if (Date.now() - toldMs >= 2000) {
        toldMs = Date.now()
        say(progressLine(minuteNow(), plan, status))
      }
    }
  }
  const looking = look()
  await load.run(ended.signal)
  const endedAt = ended.signal.aborted ? Math.max(0, Math.min(plan.minutes, minuteNow())) : null
  over.abort()
  await looking
  return recorder.record({
    speed,
    divisor,
    seed,
    crashes: crashes.records(load.outcomes),
    notSent: load.notSent,
    internalErrors,
    ...(endedAt === null ? {} : { endedAt }),
  })
}

async function write(
  record: ReplayRecord,
  { outDir }: ReplayOptions,
  thresholds: { hybridEnterRps: number; looseEnterRps: number },
): Promise<void> {
  const folder = resolve(cwd, outDir)
  mkdirSync(folder, { recursive: true })
  const file = (extension: string) => join(folder, `replay-${record.plan.name}.${extension}`)
  const report = reportOf(record, thresholds)
  const text = reportText(record, report)
  writeFileSync(file('txt'), text)
  writeFileSync(file('json'), JSON.stringify({ ...record, report }, null, 1))
  writeFileSync(file('svg'), plotSvg(record, thresholds))
  const drawn = await drawPng(file('svg'), file('png'))
  console.log(
    `\n${text}\nwritten: ${file('txt')}, .json, .svg${drawn ? ', .png' : ' (no .png: there is no Chromium)'}`,
  )
}

function say(line: string): void {
  console.log(`replay: ${line}`)
}
