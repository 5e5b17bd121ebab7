import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { FREE_PORTS, isRunning, StartRun } from './start-run.ts'

let stateDir: string
let runs: StartRun[]

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'atlas-start-test-'))
  runs = []
})
afterEach(async () => {
  for (const run of runs) await run.kill()
  rmSync(stateDir, { recursive: true, force: true })
})

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): StartRun {
  const run = new StartRun(args, env)
  runs.push(run)
  return run
}

/** `npm start` on free ports, until it is ready. */
async function startReady(args: readonly string[] = []): Promise<StartRun> {
  const run = start([...FREE_PORTS, '--state-dir', stateDir, ...args])
  await until(
    `ready:, in ${run.output}`,
    () => run.output.includes('\nready: ') || run.output.startsWith('ready: '),
  )
  return run
}

describe('npm start -- --check', () => {
  it('starts everything, sends traffic through, sees the policy acknowledged, and leaves nothing', async () => {
    const run = start(['--check'])
    await until('it has begun', () => run.output.includes('ready: '))
    const pids = run.pids()
    expect(pids.length).toBeGreaterThan(9)
    expect(await run.ended, run.output).toBe(0)
    expect(run.output).toMatch(/^mode: TIGHT$/m)
    expect(run.output).toMatch(/^forecast: warming, \d+ of 60 min$/m)
    expect(run.output).toMatch(/^policy version: 1$/m)
    expect(run.output).toMatch(/^acknowledged by: local \(\d+ ms after the push\)$/m)
    expect(run.output).toMatch(/^requests passed: \d{3,}$/m)
    expect(run.output).toMatch(/^errors: 0$/m)
    expect(run.output).toMatch(/^check: good$/m)
    await until('every process has ended', () => !pids.some(isRunning), { limitMs: 3000 })
  })

  it('runs as an island where nats-server is missing, and says why', async () => {
    const run = start(['--check'], { NATS_SERVER_BIN: join(stateDir, 'none') })
    expect(await run.ended, run.output).toBe(0)
    expect(run.output).toContain('nats-server was not found (NATS_SERVER_BIN names')
    expect(run.output).toContain('starts on its own (island)')
    expect(run.output).toMatch(/^acknowledged by: nobody \(island\)$/m)
  })
})

describe('npm start', () => {
  it('tells live state each second, and Ctrl-C stops everything', async () => {
    const run = await startReady()
    expect((await fetch(`${run.url('edge')}/catalog/p001`)).status).toBe(200)
    expect((await fetch(`${run.url('central')}/healthz`)).status).toBe(200)
    await until(
      'two lines',
      () =>
        (run.output.match(/rps · \+5 min warming, \d+ of 60 min · TIGHT · .* policy v1/g)?.length ?? 0) >= 2,
    )
    const pids = run.pids()
    run.interrupt()
    const began = Date.now()
    expect(await run.ended).toBe(0)
    expect(Date.now() - began).toBeLessThan(5000)
    await until('every process has ended', () => !pids.some(isRunning), { limitMs: 1000 })
  })

  it('takes its children with it when it is killed, and its state is taken up by the next', async () => {
    const first = await startReady(['--no-nats'])
    const pids = first.pids()
    const supervisor = pids.at(1) ?? 0
    process.kill(supervisor, 'SIGKILL')
    await until('every process has ended', () => !pids.some(isRunning), { limitMs: 5000 })
    const second = await startReady(['--no-nats'])
    expect(second.output).toContain('the last run did not stop cleanly')
  })

  it('names a taken port, who has it, and the flag that changes it', async () => {
    const blocker = createServer()
    const port = await freePort()
    await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve))
    const run = start([...FREE_PORTS, '--state-dir', stateDir, '--port', String(port)])
    expect(await run.ended).toBe(1)
    blocker.close()
    expect(run.output).toMatch(
      new RegExp(
        `^atlas: port ${port} for the edge is taken by .+ \\(pid ${process.pid}\\); choose another with --port$`,
        'm',
      ),
    )
  })

  it('refuses an unknown flag and lists those there are', async () => {
    const run = start(['--chek'])
    expect(await run.ended).toBe(1)
    expect(run.output).toMatch(/^atlas: .*--chek.*there are: .*--check/m)
  })
})

describe('npm start -- --origin', () => {
  it('says that the origin is away, answers 502 until it is there, and then passes on', async () => {
    const port = await freePort()
    const run = await startReady(['--no-nats', '--origin', `http://127.0.0.1:${port}`])
    expect(run.output).toContain(`the origin http://127.0.0.1:${port} does not answer (ECONNREFUSED)`)
    expect((await fetch(run.url('edge'))).status).toBe(502)
    const origin = createHttpServer((request, response) => response.end(`you asked ${request.url}`))
    await new Promise<void>((resolve) => origin.listen(port, '127.0.0.1', resolve))
    const answer = await fetch(`${run.url('edge')}/some/where?x=1`)
    expect(await answer.text()).toBe('you asked /some/where?x=1')
    origin.closeAllConnections()
    origin.close()
  })
})
