import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../contract/policy.ts'
import { REAL_TIME } from '../../../contract/ports.ts'
import { OriginWatch } from '../../../edge/pop/origin-watch.ts'
import { reachBy } from '../../../edge/pop/preflight.ts'
import { ORIGIN, policyOf, tableOf } from '../edge/rig.ts'

describe('an origin asked over the network', () => {
  const answers: Record<string, [path: string, error: RegExp]> = {
    'never begins to answer': ['/hold/metrics', /^no answer within 1000 ms$/],
    'begins to answer and never ends': ['/hold/metrics-body?head', /^no answer within 1000 ms$/],
    'sends more than anyone asked for': ['/download/10000000', /^it is longer than 65536 bytes$/],
    'breaks off': ['/truncated', /./],
    'resets the connection': ['/reset', /./],
    'does not speak HTTP': ['/garbage', /./],
    'answers with an error': ['/status/500', /^it answered 500$/],
    'sends elsewhere': ['/redirect', /^it answered 302$/],
    'speaks of something else': ['/echo', /none of cpu, memory/],
  }
  for (const [name, [path, error]] of Object.entries(answers)) {
    it(`has said nothing when it ${name}, and is asked again`, async () => {
      const watch = new OriginWatch(reachBy({}), REAL_TIME)
      const table = tableOf(parsePolicy({ ...policyOf(), origin: ORIGIN, originMetrics: path }))
      expect(await watch.tick(table, 0)).toBeNull()
      expect(watch.states).toMatchObject([{ load: null, error: expect.stringMatching(error) }])
      const good = tableOf(parsePolicy({ ...policyOf(), originMetrics: '/status/404' }))
      expect(await watch.tick(good, 10_000)).toBeNull()
      expect(watch.states).toMatchObject([{ error: 'it answered 404' }])
    })
  }
})
