import { expect, it } from 'vitest'
import { modelRoutes } from '../../../central/server/model-routes.ts'
import { trainingRoutes } from '../../../central/server/training-routes.ts'

const open = () => async (_: unknown, next: () => Promise<void>) => next()
const models = modelRoutes({ registry: {} } as unknown as Parameters<typeof modelRoutes>[0], open)
const training = trainingRoutes(
  { training: {}, adaptations: {}, minutes: {} } as unknown as Parameters<typeof trainingRoutes>[0],
  open,
)

it.each([
  ['/train', training],
  ['/rollback', models],
  ['/abcdef/shadow', models],
  ['/abcdef/promote', models],
])('POST %s refuses a body that is larger than any call, and does not read it', async (path, routes) => {
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(0x20)),
  })
  const response = await routes.request(path, {
    method: 'POST',
    body: endless,
    duplex: 'half',
  } as RequestInit)
  expect(response.status).toBe(413)
})
