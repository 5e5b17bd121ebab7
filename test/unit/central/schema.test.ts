import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { policyJsonSchema } from '../../../contract/policy.ts'

it('contract/policy.schema.json is what the policy schema generates (npm run schema)', () => {
  const file = new URL('../../../contract/policy.schema.json', import.meta.url)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(policyJsonSchema())))
})
