import { describe, expect, it } from 'vitest'
import type { Place } from '../../../core-wasm/root-cause/fault-walk.ts'
import type { ModuleHistory, ModuleWindows } from '../../../core-wasm/root-cause/module-metrics.ts'
import { rankRootCauses } from '../../../core-wasm/root-cause/rank-root-causes.ts'
import { type Application, application, type Fault, incident, operate } from './application.ts'
import { gaussian, random } from './random.ts'

/** A shop: the site calls search, list and pay; list calls search as well; search and status call one table. */
const shop = application('site', [
  ['site', 'search'],
  ['site', 'list', 0.5],
  ['site', 'pay', 0.2],
  ['list', 'search'],
  ['search', 'table'],
  ['pay', 'gateway'],
  ['gateway', 'status'],
  ['status', 'table'],
])

const latency = { module: 'site', metric: 'latency' } as const
const availability = { module: 'site', metric: 'availability' } as const

function first(app: Application, fault: Fault, front: Place, seed = 1) {
  return rankRootCauses(app, incident(app, [fault], random(seed)), front).suspects[0]
}

function change(
  history: Map<string, ModuleHistory>,
  how: (windows: ModuleWindows, module: string) => ModuleWindows,
): Map<string, ModuleHistory> {
  return new Map(
    [...history].map(([module, { normal, recent, during }]) => [
      module,
      {
        normal: how(normal, module),
        ...(recent === undefined ? {} : { recent: how(recent, module) }),
        during: how(during, module),
      },
    ]),
  )
}

describe('a module at fault', () => {
  it.each(['site', 'search', 'list', 'pay', 'gateway', 'status', 'table'])(
    '%s is named when it is slow',
    (module) => {
      expect(first(shop, { module, delayMs: 60 }, latency)).toMatchObject({ module, metric: 'latency' })
    },
  )

  it.each(['site', 'search', 'list', 'pay', 'gateway', 'status', 'table'])(
    '%s is named when it fails',
    (module) => {
      expect(first(shop, { module, failures: 0.2 }, availability)).toMatchObject({
        module,
        metric: 'availability',
      })
    },
  )

  it('is told with the path from the front door, and the anomaly is beyond chance', () => {
    const diagnosis = rankRootCauses(
      shop,
      incident(shop, [{ module: 'status', delayMs: 200 }], random(2)),
      latency,
    )
    expect(diagnosis.verdict).toBe('anomalous')
    expect(diagnosis.suspects[0]?.path).toEqual(['site', 'pay', 'gateway', 'status'])
    expect(diagnosis.suspects.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6)
  })

  it('is named on random call graphs in at least nineteen of twenty incidents', () => {
    let found = 0
    for (let seed = 1; seed <= 100; seed++) {
      const uniform = random(seed)
      const names = Array.from({ length: 12 }, (_, at) => `m${at}`)
      const calls = names.slice(1).flatMap((callee, at): (readonly [string, string, number])[] => {
        const caller = names[Math.floor(uniform() * (at + 1))] ?? 'm0'
        return [[caller, callee, 0.3 + uniform()]]
      })
      const app = application('m0', calls)
      const module = names[Math.floor(uniform() * names.length)] ?? 'm0'
      const slow = uniform() < 0.5
      const fault = slow ? { module, delayMs: 100 } : { module, failures: 0.3 }
      if (first(app, fault, slow ? latencyOf('m0') : availabilityOf('m0'), seed)?.module === module) found++
    }
    expect(found).toBeGreaterThanOrEqual(95)
  })

  it('is named in a graph whose calls form cycles', () => {
    const ring = application('a', [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
      ['c', 'b'],
      ['b', 'b'],
    ])
    for (const module of ['a', 'b', 'c'])
      expect(first(ring, { module, delayMs: 60 }, latencyOf('a'))?.module).toBe(module)
  })
})

describe('what passes from one metric to the other', () => {
  it('blames the slow callee when its callers fail by timeout', () => {
    const history = incident(shop, [{ module: 'table', delayMs: 400 }], random(3))
    for (const module of ['site', 'search']) {
      const known = history.get(module)
      if (known === undefined) throw new Error(`no ${module}`)
      history.set(module, {
        ...known,
        during: { ...known.during, failureRate: Array.from(known.during.requests, () => 0.3) },
      })
    }
    expect(rankRootCauses(shop, history, availability).suspects[0]).toMatchObject({
      module: 'table',
      metric: 'latency',
    })
  })
})

describe('what is not known', () => {
  const slowTable = () => incident(shop, [{ module: 'table', delayMs: 100 }], random(4))

  it('sees through a module without any readings', () => {
    const history = slowTable()
    history.delete('search')
    expect(rankRootCauses(shop, history, latency).suspects[0]?.module).toBe('table')
  })

  it('sees through a module whose metric is missing', () => {
    const history = change(slowTable(), (windows, module) =>
      module === 'search'
        ? { ...windows, latencyMs: Array.from(windows.latencyMs, () => Number.NaN) }
        : windows,
    )
    expect(rankRootCauses(shop, history, latency).suspects[0]?.module).toBe('table')
  })

  it('finds the module with a third of all readings missing', () => {
    let found = 0
    for (let seed = 1; seed <= 40; seed++) {
      const uniform = random(seed)
      const holes = (values: ArrayLike<number>) =>
        Array.from(values, (value) => (uniform() < 0.33 ? Number.NaN : value))
      const history = change(incident(shop, [{ module: 'gateway', delayMs: 300 }], uniform), (windows) => ({
        requests: holes(windows.requests),
        latencyMs: holes(windows.latencyMs),
        failureRate: holes(windows.failureRate),
      }))
      if (rankRootCauses(shop, history, latency).suspects[0]?.module === 'gateway') found++
    }
    expect(found).toBeGreaterThanOrEqual(34)
  })

  it('keeps the module among the first three without any counts of requests', () => {
    const history = change(slowTable(), (windows) => ({ ...windows, requests: [] }))
    const named = rankRootCauses(shop, history, latency).suspects.slice(0, 3)
    expect(named.map(({ module }) => module)).toContain('table')
  })

  it('ranks although the front door itself was not measured, and says so', () => {
    const history = change(slowTable(), (windows, module) =>
      module === 'site' ? { ...windows, latencyMs: [] } : windows,
    )
    const diagnosis = rankRootCauses(shop, history, latency)
    expect(diagnosis.verdict).toBe('unmeasured')
    expect(diagnosis.suspects[0]?.module).toBe('table')
  })

  it('refuses a front door of which nothing is known', () => {
    expect(() => rankRootCauses(shop, new Map(), latency)).toThrow(
      expect.objectContaining({ code: 'config/invalid' }),
    )
  })
})

describe('a module that was never called before', () => {
  it('does not take the blame for failing: its caller does, which called it', () => {
    const history = incident(shop, [{ module: 'status', failures: 0.3 }], random(5))
    const status = history.get('status')
    if (status === undefined) throw new Error('no status')
    history.set('typo', {
      normal: { requests: [], latencyMs: [], failureRate: [] },
      during: { ...status.during, failureRate: Array.from(status.during.requests, () => 1) },
    })
    const graph = { calls: [...shop.calls, { caller: 'status', callee: 'typo' }] }
    expect(rankRootCauses(graph, history, availability).suspects[0]).toMatchObject({
      module: 'status',
      newCallees: ['typo'],
    })
  })

  it('is not seen in a surge that makes every module busier', () => {
    const uniform = random(6)
    const normal = operate(shop, 60, uniform)
    const during = operate({ ...shop, requestsPerWindow: 20_000 }, 4, uniform, [
      { module: 'table', delayMs: 50 },
    ])
    const none = { requests: [], latencyMs: [], failureRate: [] }
    const history = new Map(
      [...normal].map(([module, windows]) => [
        module,
        { normal: windows, during: during.get(module) ?? none },
      ]),
    )
    expect(rankRootCauses(shop, history, latency).suspects[0]).toMatchObject({
      module: 'table',
      newCallees: [],
    })
  })
})

describe('no anomaly', () => {
  it('is said to be ordinary in at least nineteen of twenty spans of ordinary operation', () => {
    let ordinary = 0
    for (let seed = 1; seed <= 60; seed++) {
      const history = incident(shop, [], random(seed))
      for (const front of [latency, availability])
        if (rankRootCauses(shop, history, front).verdict === 'ordinary') ordinary++
    }
    expect(ordinary).toBeGreaterThanOrEqual(114)
  })

  it('accuses nobody when the front door is faster than ever', () => {
    const history = change(incident(shop, [], random(7)), (windows) => windows)
    const site = history.get('site')
    if (site === undefined) throw new Error('no site')
    history.set('site', { ...site, during: { ...site.during, latencyMs: [1, 1, 1, 1] } })
    expect(rankRootCauses(shop, history, latency)).toEqual({
      verdict: 'ordinary',
      deviation: 0,
      suspects: [],
    })
  })
})

describe('counted calls', () => {
  it('clear a shared callee that a caller hardly calls', () => {
    const app = application('site', [['site', 'shared', 0.01]])
    const uniform = random(8)
    const history = incident(app, [{ module: 'site', delayMs: 20 }], uniform)
    const shared = history.get('shared')
    if (shared === undefined) throw new Error('no shared')
    const busy = (windows: ModuleWindows, latencyMs: number): ModuleWindows => ({
      requests: Array.from(windows.requests, () => 100_000),
      latencyMs: Array.from(windows.requests, () => latencyMs + 0.01 * gaussian(uniform)),
      failureRate: Array.from(windows.requests, () => 0),
    })
    history.set('shared', { normal: busy(shared.normal, 1), during: busy(shared.during, 2) })
    const counted = { calls: [{ caller: 'site', callee: 'shared', requests: 20 }] }
    expect(rankRootCauses(counted, history, latency).suspects[0]?.module).toBe('site')
  })
})

const latencyOf = (module: string) => ({ module, metric: 'latency' }) as const
const availabilityOf = (module: string) => ({ module, metric: 'availability' }) as const
