import { expect, it } from 'vitest'
import { Registry } from '../../../central/registry/registry.ts'

it('refuses a manifest that nests without end as one that is none, and runs nothing', async () => {
  const registry = new Registry({} as ConstructorParameters<typeof Registry>[0])
  const depth = 1_000_000
  const manifest: unknown = JSON.parse(`{"v":${'['.repeat(depth)}${']'.repeat(depth)}}`)
  await expect(registry.put(manifest, new Uint8Array(8), null, 'ci')).rejects.toMatchObject({
    code: 'model/unreadable',
    message: expect.stringContaining('v: '),
  })
})
