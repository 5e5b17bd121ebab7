import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Stack } from '../../central/up/stack.ts'
import { singleOriginPolicy } from '../../contract/policy.ts'
import { startOwnStack } from '../support/stack.ts'

const GIGABYTE = 2 ** 30
const CHUNK = Buffer.alloc(1 << 20, 'atlas streams bodies and keeps none of them. ')
const WHOLE = digest(GIGABYTE / CHUNK.length)
const MAX_GROWTH_MIB = 64

let origin: http.Server
let stack: Stack

beforeAll(async () => {
  origin = http.createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-length': GIGABYTE })
      Readable.from(gigabyte()).pipe(response)
      return
    }
    const hash = createHash('sha1')
    for await (const chunk of request) hash.update(chunk as Buffer)
    response.end(hash.digest('hex'))
  })
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  const address = origin.address()
  const port = typeof address === 'object' ? address?.port : 0
  stack = await startOwnStack({ policy: singleOriginPolicy(`http://127.0.0.1:${port}`), natsServer: null })
})

afterAll(async () => {
  await stack?.stop()
  origin?.closeAllConnections()
  origin?.close()
})

test('a body of 1 GB streams from the origin, unchanged, and workerd grows by less than 64 MB', async () => {
  const grown = await growthDuring(async () => {
    const hash = createHash('sha1')
    const answer = await ask('GET')
    for await (const chunk of answer) hash.update(chunk as Buffer)
    expect(hash.digest('hex')).toBe(WHOLE)
  })
  expect(grown).toBeLessThan(MAX_GROWTH_MIB)
})

test('a body of 1 GB streams to the origin, unchanged, and workerd grows by less than 64 MB', async () => {
  const grown = await growthDuring(async () => {
    const answer = await ask('POST', Readable.from(gigabyte()))
    let text = ''
    for await (const chunk of answer) text += chunk
    expect(text).toBe(WHOLE)
  })
  expect(grown).toBeLessThan(MAX_GROWTH_MIB)
})

/** Resident memory of workerd that was added at the most while something ran, in MiB. */
async function growthDuring(work: () => Promise<void>): Promise<number> {
  const before = residentMiB()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, residentMiB())
  }, 20)
  await work().finally(() => clearInterval(watch))
  return Math.max(most, residentMiB()) - before
}

function residentMiB(): number {
  const status = readFileSync(`/proc/${stack.part('edge').pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

async function ask(method: string, body?: Readable): Promise<http.IncomingMessage> {
  const request = http.request(`${stack.urls.edges[0]}/file`, { method })
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>
  if (body) body.pipe(request)
  else request.end()
  const [answer] = await answered
  expect(answer.statusCode).toBe(200)
  return answer
}

function* gigabyte(): Generator<Buffer> {
  for (let sent = 0; sent < GIGABYTE; sent += CHUNK.length) yield CHUNK
}

function digest(chunks: number): string {
  const hash = createHash('sha1')
  for (let chunk = 0; chunk < chunks; chunk++) hash.update(CHUNK)
  return hash.digest('hex')
}
