import type { Stack } from '../../../central/up/stack.ts'
import { until } from '../../support/until.ts'
import type { BenchOptions, Result } from '../harness.ts'
import { percentile } from '../stats.ts'
import { benchStack, everythingOn } from './stack.ts'

const POLICY = everythingOn('http://127.0.0.1:9')
const PATIENCE = { everyMs: 10 }

interface Rollout {
  readonly pops: readonly {
    readonly pop: string
    readonly version: number
    readonly outcome: string
    readonly latencyMs: number | null
  }[]
}

/** From central's taking a policy to its being applied at the PoPs, by the PoPs' own acknowledgements (one machine, one clock). */
export default async function* sync({ quick, log }: BenchOptions): AsyncIterable<Result> {
  const one = await pushes(1, quick ? 20 : 100, log)
  yield { key: 'sync.push_p50_ms', value: percentile(one, 0.5), unit: 'ms', n: one.length }
  yield { key: 'sync.push_p99_ms', value: percentile(one, 0.99), unit: 'ms', n: one.length }
  const fifty = await pushes(50, quick ? 3 : 20, log)
  yield { key: 'sync.push50_p50_ms', value: percentile(fifty, 0.5), unit: 'ms', n: fifty.length }
  yield { key: 'sync.push50_p99_ms', value: percentile(fifty, 0.99), unit: 'ms', n: fifty.length }
}

/** Milliseconds of each push at each PoP. */
async function pushes(pops: number, count: number, log: (line: string) => void): Promise<number[]> {
  log(`starting ${pops} PoP${pops === 1 ? '' : 's'}`)
  const names = Array.from({ length: pops }, (_, index) => `pop-${index + 1}`)
  const stack = await benchStack(POLICY, { pops: names })
  try {
    await Promise.all(
      stack.urls.edges.map((_, edge) => until(`PoP ${edge + 1} answers`, () => stack.status(edge), PATIENCE)),
    )
    const latencies: number[] = []
    let version = 0
    for (let push = 0; push <= count; push++) {
      version = await put(stack, version, push)
      const rollout = await until(
        `version ${version} at ${pops} PoPs`,
        () => applied(stack, version, pops),
        PATIENCE,
      )
      if (push > 0) latencies.push(...rollout.pops.map(({ latencyMs }) => latencyMs ?? Number.NaN))
    }
    log(`${count} pushes to ${pops} PoP${pops === 1 ? '' : 's'}`)
    return latencies
  } finally {
    await stack.stop()
  }
}

async function put(stack: Stack, version: number, push: number): Promise<number> {
  const response = await fetch(`${stack.urls.central}/v1/policies/${stack.policyName}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${stack.operatorToken}`,
      'content-type': 'application/json',
      ...(version === 0 ? {} : { 'if-match': `"${version}"` }),
    },
    body: JSON.stringify({ ...POLICY, coupling: { ...POLICY.coupling, minDwellS: push } }),
  })
  if (!response.ok) throw new Error(`push answered ${response.status}: ${await response.text()}`)
  return version + 1
}

async function applied(stack: Stack, version: number, pops: number): Promise<Rollout | null> {
  const response = await fetch(`${stack.urls.central}/v1/policies/${stack.policyName}/rollout`, {
    headers: { authorization: `Bearer ${stack.operatorToken}` },
  })
  const rollout = (await response.json()) as Rollout
  const refused = rollout.pops.find(({ outcome }) => outcome === 'rejected')
  if (refused) throw new Error(`${refused.pop} rejected version ${refused.version}`)
  return rollout.pops.filter((pop) => pop.version === version).length === pops ? rollout : null
}
