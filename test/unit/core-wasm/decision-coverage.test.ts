import { type Profiler, Session } from 'node:inspector/promises'
import { expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { randomInput } from './decision-inputs.ts'

const SEED = 2_718

/**
 * V8's block coverage of the oracle: every arm of every `if`, `?:`, `&&` and `||` is a range with a count. The Wasm
 * table has no such counters; it is held to the oracle's answers on the same kind of inputs in decision-oracle.test.ts.
 */
it(`random inputs run every branch of the rule table's oracle (seed ${SEED})`, async () => {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const { decideSlow } = await import('../../../core-wasm/decision-oracle.ts')
  const random = seededRandom(SEED)
  for (let round = 0; round < 20_000; round++) decideSlow(randomInput(random))
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()

  const oracle = result.filter(({ url }) => url.includes('decision-oracle'))
  const functions = oracle.flatMap(({ functions: list }) => list)
  const named = functions.filter(({ functionName }) => functionName !== '')
  expect(named.map(({ functionName }) => functionName)).toEqual(
    expect.arrayContaining(['decideSlow', 'remember', 'propose', 'guardOf', 'since', 'calmMs']),
  )
  const never = (part: Profiler.FunctionCoverage) => part.ranges.filter(({ count }) => count === 0)
  expect(named.flatMap(never)).toEqual([])
  expect(named.flatMap(({ ranges }) => ranges).length).toBeGreaterThan(20)
})
