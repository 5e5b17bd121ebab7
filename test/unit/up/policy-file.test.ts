import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readPolicyFile, withAddresses } from '../../../central/up/policy-file.ts'
import { STOREFRONT, STOREFRONT_POLICY, storefrontAddresses } from '../../../central/up/storefront.ts'

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
})
