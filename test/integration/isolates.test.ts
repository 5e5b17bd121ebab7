import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CentralClient } from '../../central/up/central-client.ts'
import type { Stack } from '../../central/up/stack.ts'
import { type Policy, parsePolicy } from '../../contract/policy.ts'
import { startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const ISOLATES = 3
/** A flush interval of 1 s, and room for a busy machine: push, sync, and a request to notice it. */
const SPREAD_MS = 1500
const LIMIT = { name: 'per-client', key: 'client', rps: 20, burst: 20 } as const

let origin: Server
let stack: Stack
let central: CentralClient

function policyOf(minDwellS: number): Policy {
  const { port } = origin.address() as AddressInfo
  return parsePolicy({
    apiVersion: 'atlas/v1',
    origin: `http://127.0.0.1:${port}`,
    modules: [{ name: 'app', routes: ['/*'] }],
    coupling: { minDwellS },
    limits: [LIMIT],
    headers: { decision: true },
  })
}

beforeAll(async () => {
  origin = createServer((_, response) => response.end('ok'))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  stack = await startOwnStack({ policy: policyOf(1), edgesPerPop: ISOLATES })
  central = new CentralClient(stack.urls.central ?? '', stack.operatorToken)
}, 60_000)

afterAll(async () => {
  await stack?.stop()
  origin?.close()
})

/** One request through one isolate: its status, and the version of the policy it was answered by. */
async function ask(edge: number, client: string): Promise<{ status: number; version: number }> {
  const response = await fetch(`${stack.urls.edges[edge]}/`, { headers: { 'cf-connecting-ip': client } })
  await response.arrayBuffer()
  const version = /version=(\d+)/.exec(response.headers.get('atlas-decision') ?? '')?.[1]
  return { status: response.status, version: Number(version) }
}

describe(`${ISOLATES} isolates of one PoP`, () => {
  it('all serve by a pushed policy within a flush interval, while requests flow', async () => {
    const flowing = { on: true, failed: 0, asked: 0 }
    const firstSeen = Array.from({ length: ISOLATES }, () => new Map<number, number>())
    const clients = firstSeen.map(async (seen, edge) => {
      while (flowing.on) {
        const { status, version } = await ask(edge, `198.51.100.${flowing.asked++ % 250}`)
        if (status !== 200) flowing.failed++
        if (!seen.has(version)) seen.set(version, Date.now())
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })
    try {
      for (const minDwellS of [2, 3, 4]) {
        const pushedMs = Date.now()
        const { version } = await central.bring(stack.policyName, policyOf(minDwellS))
        await until(`version ${version} everywhere`, () => firstSeen.every((seen) => seen.has(version)))
        for (const seen of firstSeen) expect((seen.get(version) ?? 0) - pushedMs).toBeLessThan(SPREAD_MS)
      }
    } finally {
      flowing.on = false
      await Promise.all(clients)
    }
    expect(flowing.failed).toBe(0)
    expect(flowing.asked).toBeGreaterThan(100)
    for (const seen of firstSeen) expect([...seen.keys()]).toEqual([...seen.keys()].sort((a, b) => a - b))
  })

  it('hold one client to its limit together, not each on its own', async () => {
    const seconds = 4
    const began = Date.now()
    let passed = 0
    while (Date.now() - began < seconds * 1000) {
      const answers = await Promise.all(eachEdge((edge) => ask(edge, '203.0.113.9')))
      passed += answers.filter(({ status }) => status === 200).length
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const together = LIMIT.burst + LIMIT.rps * seconds
    const eachOnItsOwn = ISOLATES * together
    expect(passed).toBeGreaterThan(LIMIT.burst)
    expect(passed).toBeLessThan((together + eachOnItsOwn) / 2)
  })
})

/** One for each isolate. */
function eachEdge<T>(make: (edge: number) => T): T[] {
  return Array.from({ length: ISOLATES }, (_, edge) => make(edge))
}
