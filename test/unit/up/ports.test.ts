import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimPorts } from '../../../central/up/ports.ts'

const server = createServer()
let taken = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  taken = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => server.close())

describe('ports', () => {
  it('gives as many free ports as are asked for, no two the same', async () => {
    const ports = await claimPorts(Array.from({ length: 20 }, () => ({ what: 'x', port: 0, flag: '--x' })))
    expect(new Set(ports).size).toBe(20)
    expect(ports.every((port) => port > 0)).toBe(true)
  })

  it('says in one sentence which port is taken, by whom, and which flag changes it', async () => {
    const claim = claimPorts([{ what: 'the edge', port: taken, flag: '--port' }])
    await expect(claim).rejects.toMatchObject({ code: 'setup/port-taken' })
    const said = await claim.catch((error: Error) => error.message)
    expect(said).toContain(`port ${taken} for the edge is taken`)
    expect(said).toContain('choose another with --port')
    if (process.platform === 'linux') expect(said).toContain(`(pid ${process.pid})`)
  })
})
