import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Leash } from '../../../central/up/leash.ts'
import { Part } from '../../../central/up/part.ts'

let folder: string
let leash: Leash
let said: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atlas-part-'))
  leash = new Leash()
  said = []
})
afterEach(async () => {
  await leash.release()
  rmSync(folder, { recursive: true })
})

function part(script: string, answers: () => boolean = () => true, logFile = 'logs/thing.log'): Part {
  return new Part(
    {
      name: 'thing',
      command: process.execPath,
      args: ['-e', script],
      cwd: folder,
      logFile: resolve(folder, logFile),
      answers: async () => answers(),
      graceMs: 300,
    },
    leash,
    (line) => said.push(line),
  )
}

const STAYS = 'require("fs").writeFileSync("up", ""); setInterval(() => 0, 1000)'
const TALKS = `setInterval(() => { process.stdout.write('x'.repeat(20_000)); require('fs').appendFileSync('said', 'x') }, 1)`
const isUp = () => existsSync(join(folder, 'up'))

describe('a supervised process', () => {
  it('is started until it answers, and stopped by SIGTERM', async () => {
    const thing = part(STAYS, isUp)
    await thing.start()
    expect(thing.pid).toBeGreaterThan(0)
    await thing.stop()
    expect(thing.pid).toBeNull()
    expect(said).toEqual([])
  })

  it.runIf(existsSync('/dev/full'))('goes on when the disk is full, without its log', async () => {
    const thing = part(TALKS, () => true, '/dev/full')
    await thing.start()
    await vi.waitFor(() => expect(readFileSync(join(folder, 'said')).length).toBeGreaterThan(50), 5000)
    await thing.stop()
    expect(said).toEqual([
      'thing: its log cannot be written (ENOSPC: no space left on device, write); it goes on without',
    ])
  })

  it('is started again when it dies, and that is said', async () => {
    const thing = part(STAYS, isUp)
    await thing.start()
    const first = thing.pid
    thing.kill()
    await vi.waitFor(() => expect(said).toHaveLength(2), 5000)
    expect(said[0]).toBe('thing died (SIGKILL); starting it again in 200 ms')
    expect(said[1]).toMatch(/^thing answers again after/)
    expect(thing.pid).not.toBe(first)
    expect(thing.restarts).toBe(1)
    await thing.stop()
  })

  it('fails its start with the end of its log when it ends at once', async () => {
    const thing = part('console.error("no such luck"); process.exit(3)', () => false)
    await expect(thing.start()).rejects.toThrow(/thing ended while it started[\s\S]*no such luck/)
    expect(said).toEqual([])
  })

  it('says that a command cannot be run', async () => {
    const nothing = new Part(
      {
        name: 'nothing',
        command: join(folder, 'none'),
        args: [],
        cwd: folder,
        logFile: join(folder, 'none.log'),
        answers: async () => false,
      },
      leash,
      () => undefined,
    )
    await expect(nothing.start()).rejects.toThrow(/nothing ended while it started/)
  })

  it('is killed when it does not hear SIGTERM', async () => {
    const thing = part(`process.on("SIGTERM", () => 0); ${STAYS}`, isUp)
    await thing.start()
    await thing.stop()
    expect(thing.pid).toBeNull()
  })

  it('dies with its leash', async () => {
    const thing = part(STAYS, isUp)
    await thing.start()
    const { pid } = thing
    await leash.release()
    await vi.waitFor(() => expect(thing.pid).not.toBe(pid), 5000)
    await thing.stop()
  })
})
