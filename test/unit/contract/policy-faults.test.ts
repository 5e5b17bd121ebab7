import { describe, expect, it } from 'vitest'
import { nearest } from '../../../contract/did-you-mean.ts'
import { AtlasError } from '../../../contract/errors.ts'
import { parsePolicy } from '../../../contract/policy.ts'

const GOOD = {
  apiVersion: 'atlas/v1',
  origin: 'http://localhost:3000',
  modules: [{ name: 'app', routes: ['/*'] }],
}

/** Each fault as `path: message`. */
function faultsOf(document: unknown): string[] {
  try {
    parsePolicy(document)
  } catch (thrown) {
    if (thrown instanceof AtlasError) return thrown.faults.map(({ path, message }) => `${path}: ${message}`)
    throw thrown
  }
  return []
}

describe('faults of a policy', () => {
  it('says what is missing and what to add', () => {
    const { origin: _, ...rest } = GOOD
    expect(faultsOf(rest)).toEqual(['origin: is missing; add "origin: http://localhost:3000" (your server)'])
    expect(
      faultsOf({ ...GOOD, modules: [{ ...GOOD.modules[0], loose: 'http://localhost:3001', contract: {} }] }),
    ).toEqual([
      'modules.0.contract.timeoutMs: is missing; add the time until the first byte, e.g. "timeoutMs: 3000"',
      'modules.0.contract.state: is missing; add "state: none" or "state: shared"',
    ])
  })

  it('says which type there must be, and what there is', () => {
    expect(faultsOf({ ...GOOD, modules: { app: 1 } })).toEqual(['modules: must be a list, but is a map'])
    expect(faultsOf({ ...GOOD, autonomyLevel: 2.5 })).toEqual([
      'autonomyLevel: must be a whole number, but is 2.5',
    ])
    expect(faultsOf({ ...GOOD, autonomyLevel: 9 })).toEqual(['autonomyLevel: must be at most 4, but is 9'])
    expect(faultsOf({ ...GOOD, modules: [] })).toEqual(['modules: must have at least 1 item, but has 0'])
    expect(faultsOf(null)[0]).toMatch(/^: is empty; begin with/)
    expect(faultsOf([])[0]).toBe(': must be a map of keys and values, but is a list')
  })

  it('guesses what a mistyped key, value or method was meant to be', () => {
    expect(faultsOf({ ...GOOD, orign: 1 })).toEqual(['orign: unknown key; did you mean "origin"?'])
    expect(faultsOf({ ...GOOD, modules: [{ ...GOOD.modules[0], rutes: [] }] })).toEqual([
      'modules.0.rutes: unknown key; did you mean "routes"?',
    ])
    expect(faultsOf({ ...GOOD, deadline: { mode: 'shadw' } })[0]).toMatch(/did you mean "shadow"\?/)
    expect(faultsOf({ ...GOOD, modules: [{ name: 'app', routes: ['GTE /x'] }] })[0]).toMatch(
      /"GTE" is not a method; did you mean "GET"\?/,
    )
    expect(nearest('zzzzzz', ['origin', 'modules'])).toBeNull()
  })

  it('tells faults between parts together with the others', () => {
    const faults = faultsOf({
      ...GOOD,
      autonomyLevel: 9,
      coupling: { hybrid: ['nobody'], hybridEnterRps: 9000 },
    })
    expect(faults).toEqual([
      'autonomyLevel: must be at most 4, but is 9',
      'coupling.hybrid.0: unknown module "nobody" (known: app)',
      expect.stringMatching(/^coupling.hybridEnterRps: must be below coupling.looseEnterRps/),
    ])
  })

  it('does not call a module unknown while a name cannot be read', () => {
    expect(faultsOf({ ...GOOD, modules: [{ routes: ['/*'] }], coupling: { hybrid: ['app'] } })).toEqual([
      'modules.0.name: is missing; add a name, e.g. "name: app"',
    ])
  })
})
