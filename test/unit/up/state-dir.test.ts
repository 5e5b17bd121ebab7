import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createToken, findToken, parseTokenFile } from '../../../central/auth/token-file.ts'
import { keysOf, StateDir } from '../../../central/up/state-dir.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atlas-state-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('state directory', () => {
  it('is lent to one process at a time', () => {
    const first = new StateDir(folder)
    expect(first.lock()).toBe(false)
    expect(() => new StateDir(folder).lock()).toThrow(
      `another ATLAS (pid ${process.pid}) runs with ${folder}`,
    )
    first.unlock()
    expect(new StateDir(folder).lock()).toBe(false)
  })

  it('is taken up from a process that was killed', () => {
    writeFileSync(join(folder, 'lock'), '2147483646 1')
    expect(new StateDir(folder).lock()).toBe(true)
  })

  it('is taken up when the number of a killed process now belongs to another', () => {
    writeFileSync(join(folder, 'lock'), `${process.pid} 1`)
    expect(new StateDir(folder).lock()).toBe(true)
  })

  it('goes to one of several that want it at the same moment, fresh or left by a killed one', async () => {
    const folders = Array.from({ length: 30 }, (_, index) => join(folder, String(index)))
    for (const [index, path] of folders.entries()) {
      mkdirSync(path)
      if (index % 3 > 0) writeFileSync(join(path, 'lock'), '2147483646 1')
    }
    const program = join(import.meta.dirname, 'lock-race.node.ts')
    const args = ['--no-warnings', program, String(Date.now() + 1_500), ...folders]
    const racers = Array.from({ length: 4 }, () =>
      spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    try {
      const won = await Promise.all(
        racers.map(async ({ stdout }) => {
          for await (const line of createInterface(stdout)) return JSON.parse(line) as string[]
          return []
        }),
      )
      expect(won.flat().sort()).toEqual([...folders].sort())
    } finally {
      for (const racer of racers) racer.stdin.end()
      await Promise.all(racers.map((racer) => racer.exitCode ?? once(racer, 'exit')))
    }
  }, 20_000)

  it('makes keys once, for its owner alone, and no token stands in the tokens file', async () => {
    const state = new StateDir(join(folder, 'state'))
    const first = await keysOf(state, ['local', 'two'])
    const again = await keysOf(new StateDir(join(folder, 'state')), ['local', 'two'])
    expect(again).toEqual(first)
    expect(new Set([first.centralNkey.publicKey, ...first.pops.map(({ nkey }) => nkey)]).size).toBe(3)
    expect(statSync(first.signingKeyFile).mode & 0o777).toBe(0o600)
    expect(readFileSync(first.tokensFile, 'utf8')).not.toContain(first.operatorToken)
  })

  it('makes a lost token anew, and keeps the other tokens that central knows', async () => {
    const state = new StateDir(join(folder, 'state'))
    const { tokensFile, operatorToken } = await keysOf(state, ['local'])
    const { entry } = createToken('somebody', ['read'])
    const { tokens } = parseTokenFile(readFileSync(tokensFile, 'utf8'))
    writeFileSync(tokensFile, JSON.stringify({ tokens: [...tokens, entry] }))
    rmSync(state.file('keys', 'operator.token'))
    const again = await keysOf(state, ['local'])
    const file = parseTokenFile(readFileSync(tokensFile, 'utf8'))
    expect(findToken(file, operatorToken)).toBeNull()
    expect(findToken(file, again.operatorToken)?.name).toBe('operator')
    expect(file.tokens.map(({ name }) => name)).toEqual(['somebody', 'operator'])
  })
})
