import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import rca from '../../../central/eval/rca.ts'
import { baselinesOf, PUBLISHED, readBaselines } from '../../../central/eval/rca-baselines.ts'
import { parseCsv } from '../../../central/eval/rca-csv.ts'
import { historiesAt, normalOf, windowsOf } from '../../../central/eval/rca-histories.ts'
import { parseGraph, parseMetrics, readScenario, scenarioNames } from '../../../central/eval/rca-petshop.ts'
import { ROOT_CAUSE_DEFAULTS, rankRootCauses } from '../../../core-wasm/root-cause/rank-root-causes.ts'
import { random } from './random.ts'

const data = process.env.ATLAS_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const petshop = path.join(data, 'train', 'rca_petshop')
const present = existsSync(petshop)
if (!present)
  console.log(`PetShop data not found at ${petshop}: its tests are skipped ($ATLAS_DATA says where)`)

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

async function evaluate(dataDir: string, quick = true) {
  const lines: string[] = []
  const results = new Map<string, number>()
  for await (const { key, value } of rca({ dataDir, quick, log: (line) => lines.push(line) }))
    results.set(key, value)
  return { results, lines }
}

describe('reading', () => {
  it('takes quoted cells, doubled quotes and either line end', () => {
    expect(parseCsv('a,"b,1"\r\n"say ""no""",\n\nlast,"x\ny"')).toEqual([
      ['a', 'b,1'],
      ['say "no"', ''],
      ['last', 'x\ny'],
    ])
  })

  it('takes the calls of an adjacency matrix', () => {
    expect(parseGraph(',a,b\na,0.0,1.0\nb,0.0,0.0\n').calls).toEqual([{ caller: 'a', callee: 'b' }])
  })

  it('takes three header rows, missing cells, and statistics that are not there', () => {
    const table = parseMetrics(
      [
        'microservice,a,a,a',
        'metric,latency,requests,availability',
        'statistic,Average,Sum,Average',
        'unix_timestamp,,,',
        '300,0.25,8,75',
        '600,,0,',
        '900,nan,4,100',
      ].join('\n'),
    )
    expect(table.startsS).toEqual([300, 600, 900])
    expect(windowsOf(table, 'a', 'p90')).toEqual({
      requests: [8, 0, 4],
      latencyMs: [250, Number.NaN, Number.NaN],
      failureRate: [0.25, Number.NaN, 0],
    })
    expect(windowsOf(table, 'b', 'Average').latencyMs).toEqual([])
  })
})

describe('a folder laid out like the shared data, under other names', () => {
  it('is evaluated, with its missing metrics and without baselines', async () => {
    const folder = writeScenario('night_traffic')
    const { results, lines } = await evaluate(folder, false)
    expect(results.get('rca.top1.night_traffic.latency')).toBe(1)
    expect(results.get('rca.top3')).toBe(1)
    expect(results.has('rca.specificity.night_traffic.latency')).toBe(true)
    expect(lines.at(-1)).toContain('| night_traffic | latency | 1 | 1.000 | 1.000 | – |')
  })

  it('holds a scenario without ordinary operation against its neighbour, and claims no specificity for it', async () => {
    const folder = writeScenario('day_traffic')
    const scenarios = path.join(folder, 'test', 'rca_petshop')
    cpSync(path.join(scenarios, 'day_traffic'), path.join(scenarios, 'noon_traffic'), { recursive: true })
    rmSync(path.join(scenarios, 'noon_traffic', 'noissue'), { recursive: true })
    const { results, lines } = await evaluate(folder, false)
    expect(results.get('rca.top1.noon_traffic.latency')).toBe(1)
    expect(results.has('rca.specificity.noon_traffic.latency')).toBe(false)
    expect(lines).toContain('noon_traffic: ordinary operation is taken from day_traffic')
  })

  it('is refused with the folder named when there is nothing in it', async () => {
    await expect(evaluate('/nowhere')).rejects.toThrow('/nowhere')
  })
})

describe.skipIf(!present)('PetShop', () => {
  const scenarios = present
    ? scenarioNames(petshop).flatMap((name) => readScenario(path.join(petshop, name)) ?? [])
    : []

  it('is ranked at least as well as by the published traversal in every scenario and metric', async () => {
    const { results } = await evaluate(data)
    const baselines = readBaselines(data)
    for (const scenario of scenarios)
      for (const metric of ['latency', 'availability'] as const) {
        const published = baselinesOf(baselines, scenario.name, metric).find(
          ({ method }) => method === PUBLISHED,
        )
        expect(results.get(`rca.top1.${scenario.name}.${metric}`)).toBeGreaterThanOrEqual(
          published?.top1 ?? 0,
        )
        expect(results.get(`rca.top3.${scenario.name}.${metric}`)).toBeGreaterThanOrEqual(
          published?.top3 ?? 0,
        )
      }
    expect(results.get('rca.top1')).toBeGreaterThanOrEqual(0.95)
  })

  const known = scenarios.map(({ graph, normal, issues }) => {
    const ordinary = normalOf(normal, 'Average')
    return {
      graph,
      cases: issues
        .filter((_, at) => at % 3 === 0)
        .map((issue) => ({ issue, history: historiesAt(ordinary, issue) })),
    }
  })

  it.each(Object.keys(ROOT_CAUSE_DEFAULTS) as (keyof typeof ROOT_CAUSE_DEFAULTS)[])(
    'does not hang on the setting of %s: a quarter more or less changes at most one answer',
    (name) => {
      for (const { graph, cases } of known)
        for (const factor of [0.75, 1.25]) {
          const options = { [name]: ROOT_CAUSE_DEFAULTS[name] * factor }
          const found = cases.filter(({ issue, history }) => {
            const { suspects } = rankRootCauses(graph, history, issue.front, options)
            return suspects[0]?.module === issue.rootCause.module
          })
          expect(found.length).toBeGreaterThanOrEqual(cases.length - 1)
        }
    },
  )
})

/** A scenario of three modules, the last of them slow, with holes in the metrics. */
function writeScenario(name: string): string {
  const uniform = random(1)
  const folder = mkdtempSync(path.join(tmpdir(), 'atlas-rca-'))
  folders.push(folder)
  const home = path.join(folder, 'test', 'rca_petshop', name)
  const metrics = (windows: number, slowFrom: number) => {
    const rows = Array.from({ length: windows }, (_, at) => {
      const extra = at >= slowFrom ? 0.3 : 0
      const spread = () => 0.002 * uniform()
      const [a, b, c] = [0.3 + extra + spread(), 0.2 + extra + spread(), 0.1 + extra + spread()]
      return [at * 300, a, 100, 100, at % 7 === 3 ? '' : b, 100, c, at % 5 === 4 ? '' : 100].join(',')
    })
    return [
      'microservice,a,a,a,b,b,c,c',
      'metric,latency,requests,availability,latency,requests,latency,requests',
      'statistic,Average,Sum,Average,Average,Sum,Average,Sum',
      'unix_timestamp,,,,,,,',
      ...rows,
    ].join('\n')
  }
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(home, file)), { recursive: true })
    writeFileSync(path.join(home, file), text)
  }
  write('graph.csv', ',a,b,c\na,0,1,0\nb,0,0,1\nc,0,0,0\n')
  write('noissue/metrics.csv', metrics(40, 40))
  write('test/issue_0/metrics.csv', metrics(5, 2))
  write(
    'test/issue_0/target.json',
    JSON.stringify({
      target: { node: 'a', metric: 'latency', agg: 'p95', timestamp: 610 },
      root_cause: { node: 'c', metric: null },
    }),
  )
  return folder
}
