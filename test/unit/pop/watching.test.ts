import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { seededRandom } from '../../../contract/ports.ts'
import {
  carryVector,
  hybridOf,
  loosableOf,
  newTargets,
  targetOf,
} from '../../../edge/control/coupling-plan.ts'
import type { FlushReport } from '../../../edge/control/stubs.ts'
import { backoffMs } from '../../../edge/pop/backoff.ts'
import { CrashWatch } from '../../../edge/pop/crash-watch.ts'
import { checkReport } from '../../../edge/pop/flush-check.ts'
import { Isolates } from '../../../edge/pop/isolates.ts'
import { LimitLedger } from '../../../edge/pop/limit-ledger.ts'
import { openPolicy } from '../../../edge/pop/policy-intake.ts'
import { preflight, probe, reachBy } from '../../../edge/pop/preflight.ts'

const contract = { timeoutMs: 1000, state: 'none' }
const policy = parsePolicy({
  apiVersion: 'atlas/v1',
  origin: 'http://mono',
  modules: [
    { name: 'a', routes: ['/a'], loose: 'http://svc', contract },
    { name: 'b', routes: ['/b'], loose: 'http://svc', contract, tight: 'http://b-tight' },
    { name: 'c', routes: ['/c'], contract },
    { name: 'd', routes: ['/d'], loose: 'binding:D', contract, health: '/up' },
  ],
  coupling: { hybrid: ['b'] },
})

describe('CrashWatch', () => {
  it('needs five requests, half of them in vain, within two seconds', () => {
    const watch = new CrashWatch(1000)
    watch.push(0, 0, 4, 4)
    expect(watch.crashed).toBe(0)
    watch.push(0, 1000, 1, 1)
    expect(watch.suspect).toBe(1)
    watch.push(2, 1000, 10, 5)
    expect(watch.suspect).toBe(0b101)
    const slow = new CrashWatch(1000)
    for (let at = 0; at < 10; at++) slow.push(0, at * 2000, 4, 4)
    expect(slow.suspect).toBe(0)
  })

  it('makes a crash of a suspicion only when a probe confirms it', () => {
    const watch = new CrashWatch(1000)
    watch.confirm(0)
    watch.push(0, 0, 10, 10)
    expect([watch.suspect, watch.crashed]).toEqual([1, 0])
    watch.confirm(0)
    expect([watch.suspect, watch.crashed]).toEqual([0, 1])
    watch.push(0, 1000, 10, 10)
    expect([watch.suspect, watch.crashed]).toEqual([0, 1])
    watch.clear(0)
    expect([watch.suspect, watch.crashed]).toEqual([0, 0])
  })

  it('stays while nothing is asked, and goes when requests get through or a probe does', () => {
    const watch = new CrashWatch(1000)
    watch.push(0, 0, 10, 10)
    watch.push(1, 0, 10, 10)
    watch.confirm(0)
    watch.confirm(1)
    watch.push(0, 60_000, 0, 0)
    expect(watch.crashed).toBe(0b11)
    watch.push(0, 61_000, 2, 0)
    expect(watch.crashed).toBe(0b10)
    watch.clear(1)
    expect(watch.crashed).toBe(0)
  })
})

describe('Isolates', () => {
  it('counts each of the last three seconds once', () => {
    const isolates = new Isolates(1000)
    for (const [at, name] of [
      [0, 'a'],
      [100, 'b'],
      [2900, 'a'],
    ] as const)
      isolates.saw(name, at)
    expect(isolates.count(3000)).toBe(2)
    expect(isolates.count(3200)).toBe(1)
    expect(isolates.count(9000)).toBe(0)
  })
})

describe('LimitLedger', () => {
  it('brings isolates to a common count: own use plus what was told is the whole (seed 2)', () => {
    const random = seededRandom(2)
    const ledger = new LimitLedger()
    const names = ['a', 'b', 'c']
    const known = new Map(names.map((name) => [name, 0]))
    let total = 0
    const flush = (name: string, cost: number, wallMs: number) => {
      const uses = cost > 0 ? [{ limit: 'l', key: 'k', cost }] : []
      const told = ledger.exchange(name, uses, wallMs).reduce((sum, use) => sum + use.cost, 0)
      known.set(name, (known.get(name) ?? 0) + cost + told)
      total += cost
    }
    for (const name of names) flush(name, 0.001, 0)
    for (let round = 0; round < 300; round++) {
      flush(names[Math.floor(random.next() * 3)] ?? 'a', Math.floor(random.next() * 9), round * 100)
    }
    for (const name of names) flush(name, 0, 30_000)
    for (const [, amount] of known) expect(Math.abs(amount - total)).toBeLessThan(0.01)
  })

  it('forgets a key that nobody charges, and keeps to its bounds', () => {
    const ledger = new LimitLedger()
    const uses = (from: number) =>
      Array.from({ length: 1000 }, (_, index) => ({ limit: 'l', key: `${from + index}`, cost: 1 }))
    for (let at = 0; at < 30; at++) ledger.exchange('a', uses(at * 1000), at)
    expect(ledger.size).toBeLessThanOrEqual(21_000)
    ledger.exchange('b', [], 10_000)
    expect(ledger.size).toBe(0)
  })
})

describe('checkReport', () => {
  const good: FlushReport = {
    pop: 'p',
    isolate: 'i',
    tableVersion: 1,
    aggregates: [{ bucketStartMs: 1000, modules: [] }],
    limitUse: [{ limit: 'l', key: 'k', cost: 2 }],
    internalErrors: 1,
    tapDropped: 2,
  }

  it('passes what is in order', () => {
    expect(checkReport(good, 'p', 1000, 60_000)).toEqual({
      isolate: 'i',
      tableVersion: 1,
      aggregates: good.aggregates,
      limitUse: good.limitUse,
      internalErrors: 1,
      tapDropped: 2,
      refused: 0,
    })
  })

  it.each<[string, unknown]>([
    ['no object', 7],
    ['another PoP', { ...good, pop: 'q' }],
    ['no isolate', { ...good, isolate: undefined }],
    ['no table version', { ...good, tableVersion: '1' }],
  ])('refuses a report with %s', (_, report) => {
    expect(checkReport(report as FlushReport, 'p', 1000, 60_000)).toBeNull()
  })

  it('leaves out what is too much, too far away or no number, and counts it', () => {
    const report = {
      ...good,
      aggregates: [...Array(300).fill(good.aggregates[0]), { bucketStartMs: 1e9, modules: [] }],
      limitUse: [{ limit: 'l', key: 'k', cost: -1 }, null, { limit: 'l', key: 'x'.repeat(999), cost: 1 }],
      internalErrors: Number.NaN,
      tapDropped: -4,
    } as unknown as FlushReport
    const checked = checkReport(report, 'p', 1000, 60_000)
    expect(checked).toMatchObject({ limitUse: [], internalErrors: 0, tapDropped: 0, refused: 45 + 3 })
    expect(checked?.aggregates).toHaveLength(256)
    expect(checkReport({ ...good, aggregates: 'x' as never }, 'p', 0, 1)?.refused).toBe(1)
  })
})

describe('the coupling plan', () => {
  it('knows what can be loose, what is in HYBRID, and where a module is answered from', () => {
    expect(loosableOf(policy)).toBe(0b1011)
    expect(hybridOf(policy)).toBe(0b0010)
    expect([0, 1, 2, 3].map((index) => targetOf(policy, index, 0b1010))).toEqual([
      'http://mono',
      'http://svc',
      'http://mono',
      'binding:D',
    ])
    expect(targetOf(policy, 30, 0)).toBe('http://mono')
  })

  it('names each new target of a change once', () => {
    expect(newTargets(policy, 0, 0b1011)).toEqual([
      { module: 'a, b', target: 'http://svc', health: '/healthz', tight: false, modules: 0b11 },
      { module: 'd', target: 'binding:D', health: '/up', tight: false, modules: 0b1000 },
    ])
    expect(newTargets(policy, 0b0010, 0)).toEqual([
      { module: 'b', target: 'http://b-tight', health: '/healthz', tight: true, modules: 0b10 },
    ])
    expect(newTargets(policy, 3, 3)).toEqual([])
  })

  it('carries a vector over by name', () => {
    const [a, b, c, d] = policy.modules
    const { loose: _, ...tightB } = b ?? {}
    const next = { ...policy, modules: [d, c, tightB, a] } as typeof policy
    expect(carryVector({ policy, vector: 0b1011 }, next)).toBe(0b1001)
  })
})

describe('preflight', () => {
  const reach = reachBy(
    { GOOD: { fetch: async (url: string) => new Response(url) }, WORD: 'text' },
    async (url) => {
      if (String(url).includes('down')) throw new TypeError('connection refused')
      const status = String(url).includes('sick') ? 500 : String(url).includes('bare') ? 404 : 204
      return new Response(null, { status })
    },
  )
  const target = (name: string, { modules = 1, tight = false } = {}) => {
    return { module: 'm', target: name, health: '/healthz', modules, tight }
  }

  it('passes when every new target answers 2xx, by URL, by binding, or as itself', async () => {
    const ready = [target('http://ok'), target('http://ok/'), target('binding:GOOD'), target('self')]
    expect(await preflight(reach, ready)).toEqual({ unready: 0, why: '' })
  })

  it('takes a monolith without a health path for ready, but no service and no monolith that fails', async () => {
    const tight = { tight: true }
    expect(await probe(reach, target('http://bare', tight))).toBeNull()
    expect(await probe(reach, target('http://bare'))).toContain('answered 404')
    expect(await probe(reach, target('http://sick', tight))).toContain('answered 500')
  })

  it('holds back the modules of the targets that are not ready, and no other', async () => {
    const targets = [
      target('http://ok', { modules: 0b100 }),
      target('http://sick', { modules: 0b011 }),
      target('http://down', { modules: 0b1000 }),
    ]
    const { unready, why } = await preflight(reach, targets)
    expect(unready).toBe(0b1011)
    expect(why).toContain('answered 500, m at')
  })

  it.each([
    ['http://sick', 'm at http://sick/healthz answered 500'],
    ['http://down', 'm at http://down/healthz: connection refused'],
    ['binding:NONE', 'no service binding "NONE"'],
    ['binding:WORD', 'no service binding "WORD"'],
  ])('names %s and what is wrong with it', async (name, why) => {
    expect((await preflight(reach, [target('http://ok'), target(name)])).why).toContain(why)
  })

  it('says so when a target does not answer in time', async () => {
    const late = async () => {
      throw new DOMException('late', 'TimeoutError')
    }
    expect(await probe(late, target('http://slow'))).toContain('did not answer within 1000 ms')
  })
})

describe('openPolicy and backoff', () => {
  it('takes what an unreadable document says of itself only when it is a number', async () => {
    const follows = { name: 'default', version: 0, keys: {} }
    const envelope = (payload: object) =>
      JSON.stringify({ v: 1, keyId: 'k', payload: JSON.stringify(payload), signature: '' })
    expect(await openPolicy(envelope({ version: 3, issuedAtMs: 9 }), follows)).toMatchObject({
      kind: 'reject',
      code: 'policy/unsigned',
      version: 3,
      issuedAtMs: 9,
    })
    expect(await openPolicy(envelope({ version: 'x', issuedAtMs: null }), follows)).toMatchObject({
      version: 0,
      issuedAtMs: 0,
    })
    expect(await openPolicy('null', follows)).toMatchObject({ code: 'policy/syntax', version: 0 })
  })

  it('doubles up to its bound', () => {
    const most = { next: () => 1 }
    expect([0, 1, 2, 9].map((failures) => backoffMs(failures, 100, 5000, most))).toEqual([
      100, 200, 400, 5000,
    ])
  })
})
