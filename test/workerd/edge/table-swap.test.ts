import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { edgeOf, FakePop, policyOf, tableOf } from './rig.ts'

const modules = ['cart', 'payment'].map((name) => ({
  name,
  routes: [`/${name}/*`],
  loose: `binding:${name.toUpperCase()}`,
  contract: { timeoutMs: 5000, state: 'shared' as const },
}))
const policy = policyOf({ origin: 'binding:MONOLITH', modules, headers: { decision: true } })

/** Bindings that answer with their own name, each request when the test says so. */
function services() {
  const gates: (() => void)[] = []
  let gated = false
  const service = (name: string) => ({
    fetch: async () => {
      if (gated) await new Promise<void>((resolve) => gates.push(resolve))
      return new Response(name)
    },
  })
  return {
    bindings: { MONOLITH: service('monolith'), CART: service('cart'), PAYMENT: service('payment') },
    gate: (on: boolean) => {
      gated = on
    },
    gates,
  }
}

async function where(response: Response): Promise<[string, string | undefined]> {
  const decision = response.headers.get('atlas-decision') ?? ''
  return [await response.text(), /coupling=(\w+)/.exec(decision)?.[1]]
}

describe('the coupling router', () => {
  it('follows the vector of the table: each module tight or loose, the rest to the monolith', async () => {
    const pop = new FakePop()
    const { bindings } = services()
    const { send, background } = edgeOf(policy, { pop, bindings })
    expect(await where(await send('/cart/1'))).toEqual(['monolith', 'tight'])
    pop.answer = async () => ({
      table: tableOf(parsePolicy(policy), { version: 2, vector: 0b10, mode: 'HYBRID' }),
      othersUse: [],
    })
    await background()
    await send('/warm')
    await background()
    expect(await where(await send('/payment/1'))).toEqual(['payment', 'loose'])
    expect(await where(await send('/cart/1'))).toEqual(['monolith', 'tight'])
    expect(await where(await send('/elsewhere'))).toEqual(['monolith', 'tight'])
    await background()
  })

  it('answers each request from the one table it began with, while tables change under it', async () => {
    const pop = new FakePop()
    const { bindings, gate, gates } = services()
    const { send, background } = edgeOf(policy, { pop, bindings })
    await send('/warm')
    await background()
    gate(true)
    const before = send('/cart/before')
    pop.answer = async () => ({
      table: tableOf(parsePolicy(policy), { version: 3, policyVersion: 8, vector: 0b11, mode: 'LOOSE' }),
      othersUse: [],
    })
    await background()
    gate(false)
    let after = await send('/cart/after')
    while ((await where(after))[0] !== 'cart') after = await send('/cart/after')
    for (const open of gates) open()
    const old = await before
    expect(old.headers.get('atlas-decision')).toContain('version=0')
    expect(await where(old)).toEqual(['monolith', 'tight'])
    await background()
  })

  it('in shadow mode says where it would go, and goes to the monolith', async () => {
    const pop = new FakePop()
    const shadowed = { ...policy, steps: { router: 'shadow' as const } }
    pop.answer = async () => ({
      table: tableOf(parsePolicy(shadowed), { version: 2, vector: 0b11, mode: 'LOOSE' }),
      othersUse: [],
    })
    const { send, background } = edgeOf(shadowed, { pop, bindings: services().bindings })
    await send('/warm')
    await background()
    const response = await send('/cart/1')
    expect(response.headers.get('atlas-decision')).toContain('would="route:cart"')
    expect(await response.text()).toBe('monolith')
    await background()
  })
})
