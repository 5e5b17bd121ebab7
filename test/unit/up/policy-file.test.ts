import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { choosePolicy } from '../../../central/up/policy-choice.ts'
import { faultLines, readPolicyFile, withAddresses } from '../../../central/up/policy-file.ts'
import { STOREFRONT, STOREFRONT_POLICY, storefrontAddresses } from '../../../central/up/storefront.ts'
import type { AtlasError } from '../../../contract/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'atlas-policy-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  const path = join(folder, 'policy.yaml')
  writeFileSync(path, text)
  return path
}

describe('policy file', () => {
  it('reads the storefront policy, whose every module can go loose', () => {
    const policy = readPolicyFile(STOREFRONT_POLICY)
    expect(policy.modules.map(({ name }) => name).sort()).toEqual(['cart', 'catalog', 'payment', 'shipping'])
    expect(policy.modules.every(({ loose, contract }) => loose && contract)).toBe(true)
  })

  it('moves every address of the storefront, and no other', () => {
    const policy = readPolicyFile(STOREFRONT_POLICY)
    const ports = STOREFRONT.map((_, index) => 20_000 + index)
    const moved = withAddresses(policy, storefrontAddresses(ports))
    expect(moved.origin).toBe('http://127.0.0.1:20000')
    expect(moved.modules.find(({ name }) => name === 'cart')?.loose).toBe('http://127.0.0.1:20002')
    expect(JSON.stringify(moved)).not.toMatch(/127\.0\.0\.1:900/)
    expect(withAddresses(policy, new Map())).toEqual(policy)
  })

  it('says what is wrong with a file: missing, not YAML, not a policy', () => {
    expect(() => readPolicyFile(join(folder, 'none.yaml'))).toThrow(/none\.yaml cannot be read/)
    expect(() => readPolicyFile(file('a: [1'))).toThrow(/neither YAML nor JSON/)
    expect(() => readPolicyFile(file('apiVersion: atlas/v1\norigin: nowhere\nmodules: []'))).toThrow(
      /origin: must be/,
    )
  })

  it('has every fault on a line of its own, below the name of the file', () => {
    try {
      readPolicyFile(file('apiVersion: atlas/v1\norigin: nowhere\nmodules: []'))
      expect.unreachable()
    } catch (thrown) {
      const lines = faultLines(thrown as AtlasError)
      expect(lines[0]).toMatch(/^atlas: .*policy\.yaml is refused$/)
      expect(lines[1]).toMatch(/^ {2}origin: must be "http/)
      expect(lines[2]).toBe('  modules: must have at least 1 item, but has 0')
    }
  })
})

describe('which policy npm start takes', () => {
  const root = process.cwd()
  const text = 'apiVersion: atlas/v1\norigin: http://localhost:3000\nmodules: [{name: a, routes: [/*]}]'

  it('is the storefront without anything, one module with --origin alone', () => {
    const shop = choosePolicy({ origin: null, policyFile: null }, { cwd: root, root })
    expect(shop.storefront).toBe(true)
    expect(shop.told).toEqual([expect.stringMatching(/storefront\/atlas\.policy\.yaml, 4 modules$/)])
    const one = choosePolicy({ origin: 'http://localhost:1', policyFile: null }, { cwd: '/none', root })
    expect(one.told).toEqual(['policy: no atlas.policy.yaml in /none: one module "app"'])
  })

  it('is atlas.policy.yaml of the folder with its own origin, over which --origin wins', () => {
    writeFileSync(join(folder, 'atlas.policy.yaml'), text)
    const own = choosePolicy({ origin: null, policyFile: null }, { cwd: folder, root })
    expect(own).toMatchObject({ storefront: false, policy: { origin: 'http://localhost:3000' } })
    expect(own.told.join('\n')).toMatch(/1 module\norigin: http:\/\/localhost:3000, as that file says/)
    const flag = choosePolicy({ origin: 'http://localhost:4000', policyFile: null }, { cwd: folder, root })
    expect(flag.policy.origin).toBe('http://localhost:4000')
    expect(flag.told[1]).toBe(
      "origin: http://localhost:4000 of --origin, instead of the file's http://localhost:3000",
    )
  })
})
