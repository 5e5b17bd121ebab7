// Writes contract/policy.schema.json from the policy's one schema. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { policyJsonSchema } from '../contract/policy.ts'

const file = fileURLToPath(new URL('../contract/policy.schema.json', import.meta.url))
const wanted = `${JSON.stringify(policyJsonSchema(), null, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(file, wanted)
  console.log('contract/policy.schema.json written')
} else if (readIfThere() !== wanted) {
  console.error(
    'contract/policy.schema.json is not what contract/policy.ts says: run `npm run schema` and commit it',
  )
  process.exit(1)
}

function readIfThere() {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
