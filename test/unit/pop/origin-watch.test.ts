import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { REAL_TIME } from '../../../contract/ports.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import type { RouteTable } from '../../../edge/control/route-table.ts'
import { MinuteBook } from '../../../edge/pop/minute-book.ts'
import { minuteMessage } from '../../../edge/pop/minute-message.ts'
import { OriginWatch } from '../../../edge/pop/origin-watch.ts'
import type { Reach } from '../../../edge/pop/preflight.ts'

const MINUTE = 60_000
const SILENT = {
  cpu: Number.NaN,
  memory: Number.NaN,
  dbQueue: Number.NaN,
  dbQueueShare: Number.NaN,
  messageQueue: Number.NaN,
}

function tableOf(vector = 0, origin = 'http://mono.test'): RouteTable {
  const policy = parsePolicy({
    apiVersion: 'atlas/v1',
    origin,
    originMetrics: '/load',
    modules: ['cart', 'pay'].map((name) => ({
      name,
      routes: [`/${name}/*`],
      loose: `http://${name}.test`,
      metrics: '/load',
      contract: { timeoutMs: 1, state: 'none' },
    })),
  })
  return { version: 1, policyName: 'p', policyVersion: 1, policy, vector, mode: 'TIGHT' }
}

/** Origins by address, each with what it answers. */
function origins(answers: Record<string, () => Response | Promise<Response>>) {
  const asked: string[] = []
  const reach: Reach = async (target, path) => {
    asked.push(target + path)
    const answer = answers[target]
    if (answer === undefined) throw new Error('connection refused')
    return answer()
  }
  return { reach, asked }
}

describe('OriginWatch', () => {
  it('asks every ten seconds, and answers for modules and for all together', async () => {
    const { reach, asked } = origins({
      'http://mono.test': () => new Response('{"cpu": 0.2, "messageQueue": 1}'),
      'http://pay.test': () => new Response('atlas_cpu_ratio 0.6\natlas_message_queue 4'),
    })
    const watch = new OriginWatch(reach, REAL_TIME)
    const reading = await watch.tick(tableOf(0b10), 0)
    expect(asked).toEqual(['http://mono.test/load', 'http://pay.test/load'])
    expect(reading?.total).toEqual({ ...SILENT, cpu: 0.4, messageQueue: 5 })
    expect([...(reading?.modules ?? [])]).toEqual([
      ['cart', { ...SILENT, cpu: 0.2, messageQueue: 1 }],
      ['pay', { ...SILENT, cpu: 0.6, messageQueue: 4 }],
    ])
    expect(await watch.tick(tableOf(), 9_999)).toBeNull()
    expect(asked).toHaveLength(2)
    expect(await watch.tick(tableOf(), 10_000)).not.toBeNull()
    expect(await watch.tick(tableOf(), 500)).not.toBeNull()
  })

  it('keeps what others say when one cannot be reached, and says why', async () => {
    const { reach } = origins({ 'http://cart.test': () => new Response('{"memory": 0.5}') })
    const watch = new OriginWatch(reach, REAL_TIME)
    const reading = await watch.tick(tableOf(0b11), 0)
    expect(reading?.total).toEqual({ ...SILENT, memory: 0.5 })
    expect([...(reading?.modules.keys() ?? [])]).toEqual(['cart'])
    expect(watch.states.map(({ target, error }) => [target, error])).toEqual([
      ['http://mono.test', 'connection refused'],
      ['http://cart.test', null],
      ['http://pay.test', 'connection refused'],
    ])
  })

  const bad: Record<string, [answer: () => Response, reason: RegExp]> = {
    'an error': [() => new Response('{"cpu": 0.5}', { status: 500 }), /answered 500/],
    'a redirect': [() => new Response(null, { status: 302, headers: { location: '/' } }), /answered 302/],
    junk: [() => new Response('<html>'), /none of cpu/],
    'no body': [() => new Response(null), /none of cpu/],
    'more than 64 kB': [() => new Response(`{"cpu": 0.5}${' '.repeat(65_536)}`), /longer than 65536 bytes/],
    'a body that breaks off': [
      () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })),
      /gone/,
    ],
    'nothing in time': [
      () => {
        throw new DOMException('late', 'TimeoutError')
      },
      /no answer within 1000 ms/,
    ],
  }
  for (const [name, [answer, reason]] of Object.entries(bad)) {
    it(`takes ${name} for no report, and says so`, async () => {
      const watch = new OriginWatch(origins({ 'http://mono.test': answer }).reach, REAL_TIME)
      expect(await watch.tick(tableOf(), 0)).toBeNull()
      expect(watch.states).toMatchObject([{ load: null, error: expect.stringMatching(reason) }])
    })
  }

  it('asks neither the handler it wraps nor anyone in a replay that carries a part of the load', async () => {
    const { reach, asked } = origins({ 'http://mono.test': () => new Response('{"cpu": 0.5}') })
    expect(await new OriginWatch(reach, REAL_TIME).tick(tableOf(0, 'self'), 0)).toBeNull()
    const replay = new OriginWatch(reach, { ...REAL_TIME, speed: 60, weight: 600 })
    expect(await replay.tick(tableOf(), 0)).toBeNull()
    expect(replay.states).toMatchObject([{ error: expect.stringContaining('replay') }])
    expect(asked).toEqual([])
    const fast = new OriginWatch(reach, { ...REAL_TIME, speed: 20, weight: 20 })
    expect(await fast.tick(tableOf(), 0)).not.toBeNull()
    expect(await fast.tick(tableOf(), 1000)).not.toBeNull()
  })

  it('does not ask again while the last answer is awaited', async () => {
    let answer: (response: Response) => void = () => undefined
    const { reach, asked } = origins({
      'http://mono.test': () => new Promise((resolve) => (answer = resolve)),
    })
    const watch = new OriginWatch(reach, REAL_TIME)
    const first = watch.tick(tableOf(), 0)
    expect(await watch.tick(tableOf(), 20_000)).toBeNull()
    answer(new Response('{"cpu": 0.5}'))
    expect((await first)?.total.cpu).toBe(0.5)
    expect(asked).toHaveLength(1)
  })
})

describe('what origins reported in a minute', () => {
  const book = (open?: ReturnType<MinuteBook['open']>) =>
    new MinuteBook({ core: loadCore(), fromMs: 0, weight: 1, graceMs: 0 }, open)

  it('is the mean of its reports, over a restart; what was not reported stays unknown', () => {
    const before = book()
    before.cover(0, MINUTE)
    before.addOrigins(1000, new Map([[1, { ...SILENT, cpu: 0.2, dbQueue: 4 }]]), { ...SILENT, cpu: 0.2 })
    const after = book(JSON.parse(JSON.stringify(before.open())))
    after.addOrigins(11_000, new Map([[1, { ...SILENT, cpu: 0.4 }]]), { ...SILENT, cpu: 0.4 })
    const [minute] = after.close(MINUTE, 2, 9)
    expect(minute?.origin).toEqual({ ...SILENT, cpu: expect.closeTo(0.3) })
    expect(minute?.modules[0]?.origin).toEqual(SILENT)
    expect(minute?.modules[1]?.origin).toEqual({ ...SILENT, cpu: expect.closeTo(0.3), dbQueue: 4 })
  })

  it('follows its module when the policy lists them in another order; the total stays', () => {
    const turned = book()
    turned.cover(0, MINUTE)
    turned.addOrigins(0, new Map([[0, { ...SILENT, cpu: 0.1 }]]), { ...SILENT, memory: 0.9 })
    turned.remap((index) => 1 - index)
    const [minute] = turned.close(MINUTE, 2, 9)
    expect(minute?.modules.map(({ origin }) => origin.cpu)).toEqual([Number.NaN, 0.1])
    expect(minute?.origin.memory).toBe(0.9)
  })

  it('is told with the minute, null for what is not known, and not at all where nothing is', () => {
    const told = book()
    told.cover(0, MINUTE)
    told.addOrigins(0, new Map([[1, { ...SILENT, cpu: 0 }]]), { ...SILENT, cpu: 0 })
    const [minute] = told.close(MINUTE, 2, 9)
    if (minute === undefined) throw new Error('no minute')
    const models = { release: 0 } as never
    const forecaster = { kind: 'reactive', reason: 'test' } as const
    const message = minuteMessage(minute, ['cart', 'pay'], { atMs: 0, forecaster, models })
    const known = { cpu: 0, memory: null, dbQueue: null, dbQueueShare: null, messageQueue: null }
    expect(message).toMatchObject({
      origin: known,
      modules: [{ name: 'cart' }, { name: 'pay', origin: known }],
    })
    expect(message).not.toHaveProperty('modules.0.origin')
  })
})
