import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createToken } from '../../../central/auth/token-file.ts'
import { createSigningKey } from '../../../central/policy/signing-key.ts'
import type { CentralVars } from '../../../central/server/config.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'
import { POLICY } from '../../unit/central/messages.ts'
import { NatsFixture } from './nats-fixture.ts'

const root = join(import.meta.dirname, '../../..')
const dir = mkdtempSync(join(tmpdir(), 'atlas-central-test-'))
const nats = new NatsFixture([])
const { token, entry } = createToken('operator', ['admin'])
const running: ChildProcess[] = []
let vars: CentralVars
let url = ''

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

function run(module: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, module), ...args],
    {
      env: { ...process.env, ...env },
    },
  )
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const ended = new Promise<Ended>((done) =>
    child.once('close', (code, signal) => done({ code, signal, output })),
  )
  return { child, ended, output: () => output }
}

async function startCentral() {
  const central = run('central/server/main.node.ts', [], vars)
  await until('central is ready', () => {
    if (central.child.exitCode !== null) throw new Error(central.output())
    return central.output().includes(`central: ready ${url}\n`)
  })
  await until('NATS is there', async () => (await fetch(`${url}/readyz`)).ok)
  return central
}

const atlasctl = (...args: string[]) =>
  run('central/ctl/main.node.ts', args, { ATLAS_TOKEN: token, ATLAS_CENTRAL_URL: url, INIT_CWD: dir }).ended

beforeAll(async () => {
  await nats.start()
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text, { mode: 0o600 })
    return join(dir, name)
  }
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  vars = {
    ATLAS_CENTRAL_PORT: String(port),
    ATLAS_CENTRAL_NATS_URL: nats.url,
    ATLAS_CENTRAL_NATS_SEED_FILE: file('central.nkey', nats.central.seed),
    ATLAS_CENTRAL_SIGNING_KEY_FILE: file('signing.json', JSON.stringify(await createSigningKey())),
    ATLAS_CENTRAL_TOKENS_FILE: file('tokens.json', JSON.stringify({ tokens: [entry] })),
    ATLAS_CENTRAL_OPEN_READ: '1',
  }
  file('policy.json', JSON.stringify(POLICY))
  file('faulty.yaml', 'apiVersion: atlas/v1\norigin: nowhere\nmodules: []\n')
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await nats.remove()
  rmSync(dir, { recursive: true, force: true })
})

it('loses nothing when it is killed: a policy pushed before is there after, and versions go on', async () => {
  const first = await startCentral()
  const pushed = await atlasctl('policy', 'push', 'policy.json')
  expect(pushed).toMatchObject({
    code: 0,
    output: expect.stringContaining('policy "default" is version 1 (new)'),
  })
  first.child.kill('SIGKILL')
  await first.ended

  const second = await startCentral()
  expect((await atlasctl('policy', 'history')).output).toContain('operator')
  expect((await atlasctl('policy', 'push', 'policy.json')).output).toContain('nothing was pushed')
  expect((await atlasctl('policy', 'push', 'policy.json', '--force')).output).toContain('is version 2')
  second.child.kill('SIGTERM')
  expect(await second.ended).toMatchObject({ code: 0 })
})

it('ends on SIGTERM with a live stream open, and says which port is taken', async () => {
  const central = await startCentral()
  const stream = await fetch(`${url}/v1/stream`)
  const second = await run('central/server/main.node.ts', [], vars).ended
  expect(second.code).toBe(1)
  expect(second.output).toMatch(/^central: port \d+ of 127\.0\.0\.1 is taken by another process/)
  central.child.kill('SIGTERM')
  expect((await central.ended).output).toContain('central: stopped')
  await stream.body?.cancel().catch(() => undefined)
})

it('answers the command line with faults, paths and exit codes', async () => {
  const central = await startCentral()
  const faulty = await atlasctl('policy', 'push', 'faulty.yaml')
  expect(faulty.code).toBe(1)
  expect(faulty.output).toContain('  origin: must be "http(s)://host')
  expect(await atlasctl('frob')).toMatchObject({ code: 2 })
  expect(await atlasctl('status', '--json')).toMatchObject({ code: 0 })
  expect((await atlasctl('policy', 'get')).output).toMatch(/^# ATLAS policy "default", version 2\./)
  central.child.kill('SIGTERM')
  await central.ended
  const away = await atlasctl('status')
  expect(away.code).toBe(3)
  expect(away.output).toContain(`cannot reach central at ${url}; start it with \`npm start\``)
})
