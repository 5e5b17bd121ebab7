import type { NatsConnection } from 'nats.ws'
import { describe, expect, it } from 'vitest'
import { type ModelEntry, ModelStore } from '../../../central/registry/model-store.ts'

const ONE = `abcdef1${'0'.repeat(57)}`
const TWO = `abcdef2${'0'.repeat(57)}`

/** A store with two models whose hashes begin alike. */
class Kept extends ModelStore {
  constructor() {
    super({ connection: () => ({}) as NatsConnection, wallMs: () => 0 })
  }

  override async list(): Promise<ModelEntry[]> {
    const rest = { name: 'm', sizeBytes: 1, by: 'x', putAtMs: 0, measured: null }
    return [ONE, TWO].map((hash) => ({ hash, ...rest }))
  }
}

describe('a model by the beginning of its hash', () => {
  it('is the one that has it', async () => {
    expect((await new Kept().find('abcdef2')).hash).toBe(TWO)
  })

  it.each([
    ['abcde', /6 to 64 hexadecimal digits .*, not by "abcde"/],
    ['latest', /6 to 64 hexadecimal digits .*, not by "latest"/],
    ['fedcba', /no model has a hash that begins with "fedcba"; `atlasctl model ls`/],
    ['abcdef', /2 models have a hash that begins with "abcdef"; give more digits/],
  ])('is refused for %s with what to do', async (prefix, message) => {
    await expect(new Kept().find(prefix)).rejects.toMatchObject({
      code: 'model/not-found',
      message: expect.stringMatching(message),
    })
  })
})
