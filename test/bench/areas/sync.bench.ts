import type { PopRollout } from '../../../central/policy/rollout.ts'
import { CentralClient } from '../../../central/up/central-client.ts'
import { parsePolicy } from '../../../contract/policy.ts'
import { until } from '../../support/until.ts'
import type { BenchOptions, Result } from '../harness.ts'
import { percentile } from '../stats.ts'
import { benchStack, everythingOn } from './stack.ts'

const POLICY = everythingOn('http://127.0.0.1:9')
const PATIENCE = { everyMs: 10 }

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
    const central = new CentralClient(stack.urls.central ?? '', stack.operatorToken)
    for (let push = 0; push <= count; push++) {
      const policy = { ...POLICY, coupling: { ...POLICY.coupling, minDwellS: push } }
      const { version } = await central.bring(stack.policyName, parsePolicy(policy))
      const rollout = await until(
        `version ${version} at ${pops} PoPs`,
        () => applied(central, stack.policyName, version, pops),
        PATIENCE,
      )
      if (push > 0) latencies.push(...rollout.map(({ latencyMs }) => latencyMs ?? Number.NaN))
    }
    log(`${count} pushes to ${pops} PoP${pops === 1 ? '' : 's'}`)
    return latencies
  } finally {
    await stack.stop()
  }
}

/** Who has a version, once that is all of them. */
async function applied(
  central: CentralClient,
  name: string,
  version: number,
  pops: number,
): Promise<readonly PopRollout[] | null> {
  const rollout = await central.rollout(name)
  const refused = rollout.find(({ outcome }) => outcome === 'rejected')
  if (refused) throw new Error(`${refused.pop} rejected version ${refused.version}`)
  return rollout.filter((pop) => pop.version === version).length === pops ? rollout : null
}
