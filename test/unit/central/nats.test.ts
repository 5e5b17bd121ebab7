import { describe, expect, it } from 'vitest'
import { createNkey, publicKeyOf } from '../../../central/nats/nkey.ts'
import { natsServerConfig } from '../../../central/nats/server-config.ts'

const central = createNkey().publicKey
const nkey = createNkey().publicKey
const base = { port: 4222, websocketPort: 4223, storeDir: '/tmp/x', central, pops: [{ name: 'fra1', nkey }] }

describe('natsServerConfig', () => {
  it('listens on loopback, gives central everything and a PoP its own subjects alone', () => {
    const text = natsServerConfig(base)
    expect(text).toContain('listen: "127.0.0.1:4222"')
    expect(text).toContain('no_tls: true')
    expect(text).toContain(`{ nkey: ${central} }\n`)
    expect(text).toContain(`{ nkey: ${nkey}, permissions: { publish: { allow: ["atlas.telemetry.fra1.>"`)
    expect(text).not.toContain('CONSUMER')
  })

  it('quotes a path, and refuses one that could end the line', () => {
    expect(natsServerConfig({ ...base, storeDir: '/tmp/a "b"' })).toContain(
      String.raw`store_dir: "/tmp/a \"b\""`,
    )
    expect(() => natsServerConfig({ ...base, storeDir: '/tmp\nauthorization {}' })).toThrow(
      /control character/,
    )
  })

  it('refuses a PoP named central, names and keys that stand twice, and what is no user key', () => {
    const pops = (...names: string[]) => names.map((name) => ({ name, nkey: createNkey().publicKey }))
    expect(() => natsServerConfig({ ...base, pops: pops('central') })).toThrow(/cannot be named/)
    expect(() => natsServerConfig({ ...base, pops: pops('a', 'a') })).toThrow(/stands twice/)
    expect(() => natsServerConfig({ ...base, pops: [{ name: 'a', nkey: central }] })).toThrow(/stands twice/)
    expect(() => natsServerConfig({ ...base, central: `U${'x'.repeat(55)}` })).toThrow(/not the public key/)
    expect(() => natsServerConfig({ ...base, pops: pops('a.>') })).toThrow(/pop must be/)
    expect(() => natsServerConfig({ ...base, port: 0 })).toThrow(/port must be/)
  })
})

describe('publicKeyOf', () => {
  it('finds the public key of a seed and never quotes a wrong one', () => {
    const { seed, publicKey } = createNkey()
    expect(publicKeyOf(seed)).toBe(publicKey)
    expect(() => publicKeyOf(`${seed}X`)).toThrow(/not the seed/)
    expect(() => publicKeyOf(`${seed}X`)).not.toThrow(seed)
    const flipped = seed.replace(/.(?=.{9}$)/, (char) => (char === 'A' ? 'B' : 'A'))
    expect(() => publicKeyOf(flipped)).toThrow(/not the seed/)
  })
})
