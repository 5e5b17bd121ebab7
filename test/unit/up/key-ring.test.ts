import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { publicKeyOf } from '../../../central/nats/nkey.ts'
import { makeKeys } from '../../../central/up/key-ring.ts'
import { StateDir } from '../../../central/up/state-dir.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'atlas-keys-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const make = (pops: readonly string[], revoke: readonly string[] = []) =>
  makeKeys({ dir, pops, revoke, host: '127.0.0.1', port: 4300 })
const seed = (pop: string) => readFileSync(join(dir, 'keys', `pop-${pop}.nkey`), 'utf8').trim()
const config = () => readFileSync(join(dir, 'nats.conf'), 'utf8')

describe('makeKeys', () => {
  it('adds a PoP beside those that are there, whose keys stay', async () => {
    await make(['fra1'])
    const first = seed('fra1')
    const said = await make(['ams2'])
    expect(seed('fra1')).toBe(first)
    for (const pop of ['fra1', 'ams2']) {
      expect(config()).toContain(publicKeyOf(seed(pop)))
      expect(config()).toContain(`atlas.telemetry.${pop}.>`)
      expect(said).toContain(`ATLAS_POP=${pop}`)
    }
    expect(config()).toContain('listen: "127.0.0.1:4301"')
    expect(statSync(join(dir, 'nats.conf')).mode & 0o777).toBe(0o600)
  })

  it('tells no secret', async () => {
    const said = await make(['fra1'])
    const secrets = ['central.nkey', 'operator.token'].map((file) =>
      readFileSync(join(dir, 'keys', file), 'utf8').trim(),
    )
    for (const secret of [seed('fra1'), ...secrets]) expect(said).not.toContain(secret)
    expect(config()).not.toContain(seed('fra1'))
  })

  it('takes a PoP away, and gives it another key when it comes again', async () => {
    await make(['fra1', 'ams2'])
    const before = seed('ams2')
    await make([], ['ams2'])
    expect(existsSync(join(dir, 'keys', 'pop-ams2.nkey'))).toBe(false)
    expect(config()).not.toContain('ams2')
    expect(config()).toContain('fra1')
    await make(['ams2'])
    expect(seed('ams2')).not.toBe(before)
  })

  it('refuses names that cannot stand, PoPs that are not there, and the directory of a running npm start', async () => {
    await expect(make(['a.b'])).rejects.toThrow(/must be 1 to 64/)
    await expect(make(['../x'])).rejects.toThrow(/must be 1 to 64/)
    await expect(make(['central'])).rejects.toThrow(/cannot be named/)
    await make(['fra1'])
    await expect(make([], ['moon'])).rejects.toThrow('no PoP "moon" has a key here (there are: fra1)')
    new StateDir(dir).lock()
    await expect(make(['fra1'])).rejects.toThrow(/another ATLAS/)
  })
})
