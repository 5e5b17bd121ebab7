import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { metricSources } from '../../../edge/control/metric-sources.ts'
import { parseOriginReport, together } from '../../../edge/control/origin-metrics.ts'

const NaNs = {
  cpu: Number.NaN,
  memory: Number.NaN,
  dbQueue: Number.NaN,
  dbQueueShare: Number.NaN,
  messageQueue: Number.NaN,
}

describe('the report of an origin', () => {
  it('is JSON; what it leaves out or does not know is not known, and never 0', () => {
    const all = { cpu: 0.5, memory: 1, dbQueue: 3, dbQueueCapacity: 12, messageQueue: 7 }
    expect(parseOriginReport(JSON.stringify(all))).toEqual({
      ok: true,
      load: { cpu: 0.5, memory: 1, dbQueue: 3, dbQueueShare: 0.25, messageQueue: 7 },
    })
    expect(parseOriginReport('\n {"cpu": 0, "memory": null, "anything": "else"}')).toEqual({
      ok: true,
      load: { ...NaNs, cpu: 0 },
    })
    expect(parseOriginReport('{"dbQueue": 3}')).toEqual({ ok: true, load: { ...NaNs, dbQueue: 3 } })
    expect(parseOriginReport('{"dbQueue": 9, "dbQueueCapacity": 3}')).toMatchObject({
      load: { dbQueueShare: 1 },
    })
    expect(parseOriginReport('{"dbQueue": 9, "dbQueueCapacity": 0}')).toMatchObject({
      load: { dbQueueShare: Number.NaN },
    })
  })

  it('is the Prometheus text format: shares of several samples are averaged, queues added up', () => {
    const text = `# HELP atlas_cpu_ratio Share of the CPU.
# TYPE atlas_cpu_ratio gauge
atlas_cpu_ratio{worker="a}"} 0.25
atlas_cpu_ratio{worker="b"} 7.5e-1 1800000000000
atlas_memory_ratio NaN
atlas_db_queue{pool="read"} 2\r
atlas_db_queue{pool="write"} 3
atlas_db_queue_capacity 50
atlas_message_queue_total 99
process_cpu_seconds_total 12.5
`
    expect(parseOriginReport(text)).toEqual({
      ok: true,
      load: { ...NaNs, cpu: 0.5, dbQueue: 5, dbQueueShare: 0.1 },
    })
  })

  const junk: Record<string, [text: string, reason: RegExp]> = {
    nothing: ['', /none of cpu, memory/],
    'a page': ['<!doctype html>', /none of cpu, memory/],
    'JSON cut short': ['{"cpu": 0.', /JSON/],
    'JSON without a known figure': ['{"load": 1}', /none of cpu, memory/],
    'a capacity alone': ['{"dbQueueCapacity": 5}', /none of cpu, memory/],
    'a share in per cent': ['{"cpu": 55}', /cpu must be from 0 to 1, but is 55/],
    'a negative queue': ['{"messageQueue": -1}', /messageQueue must be a count/],
    'a figure as text': ['{"cpu": "0.5"}', /cpu must be a number/],
    'an endless figure': ['atlas_db_queue +Inf', /dbQueue must be a count/],
    'a sample without a number': ['atlas_cpu_ratio high', /cpu must be from 0 to 1, but is NaN/],
    'a prototype instead of a figure': ['{"__proto__": {"cpu": 1}}', /none of cpu, memory/],
  }
  for (const [name, [text, reason]] of Object.entries(junk)) {
    it(`is refused with the reason when it is ${name}`, () => {
      expect(parseOriginReport(text)).toEqual({ ok: false, reason: expect.stringMatching(reason) })
    })
  }

  it('is read in no time, whatever it is', () => {
    const began = performance.now()
    for (const text of [`atlas_cpu_ratio${'{'.repeat(60_000)}`, `atlas_cpu_ratio ${' '.repeat(60_000)}x y`])
      parseOriginReport(text)
    expect(performance.now() - began).toBeLessThan(200)
  })
})

describe('several origins together', () => {
  it('have the mean of the shares and the sum of the queues, of those that say', () => {
    const one = { ...NaNs, cpu: 0.2, dbQueue: 3, dbQueueShare: 0.5, messageQueue: 1 }
    const other = { ...NaNs, cpu: 0.4, dbQueue: 4, messageQueue: 2 }
    expect(together([one, other, NaNs])).toEqual({
      cpu: expect.closeTo(0.3),
      memory: Number.NaN,
      dbQueue: 7,
      dbQueueShare: 0.5,
      messageQueue: 3,
    })
  })
})

describe('whom to ask', () => {
  const policyOf = (part: object, modules: readonly object[]) =>
    parsePolicy({
      apiVersion: 'atlas/v1',
      origin: 'http://mono.test',
      modules: modules.map((module, index) => ({
        name: `m${index}`,
        routes: [`/m${index}/*`],
        contract: { timeoutMs: 1, state: 'none' },
        ...module,
      })),
      ...part,
    })

  it('is nobody where the policy names no path', () => {
    expect(metricSources(policyOf({}, [{ loose: 'http://a.test' }]), 1)).toEqual([])
  })

  it('is the monolith for itself and the modules inside it, and a loose module for itself', () => {
    const policy = policyOf({ originMetrics: '/load' }, [
      { loose: 'http://a.test', metrics: '/metrics' },
      { loose: 'http://b.test' },
      { tight: 'http://c.test', metrics: '/c' },
    ])
    const own = { target: 'http://c.test', path: '/c', modules: ['m2'] }
    expect(metricSources(policy, 0)).toEqual([
      { target: 'http://mono.test', path: '/load', modules: ['m0', 'm1'] },
      own,
    ])
    expect(metricSources(policy, 0b11)).toEqual([
      { target: 'http://mono.test', path: '/load', modules: [] },
      { target: 'http://a.test', path: '/metrics', modules: ['m0'] },
      own,
    ])
  })

  it('is asked once for all modules that live at one address', () => {
    const both = { loose: 'http://a.test', metrics: '/metrics' }
    expect(metricSources(policyOf({}, [both, both]), 0b11)).toEqual([
      { target: 'http://a.test', path: '/metrics', modules: ['m0', 'm1'] },
    ])
  })
})
