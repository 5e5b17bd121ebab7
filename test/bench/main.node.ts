import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machineDetails } from '../../central/eval/report.ts'
import { messageOf } from '../../contract/errors.ts'
import { type Area, type Result, table } from './harness.ts'

const AREAS: Readonly<Record<string, () => Promise<{ default: Area }>>> = {
  size: () => import('./areas/size.bench.ts'),
  core: () => import('./areas/core.bench.ts'),
  predict: () => import('./areas/predict.bench.ts'),
  train: () => import('./areas/train.bench.ts'),
  sync: () => import('./areas/sync.bench.ts'),
  edge: () => import('./areas/edge.bench.ts'),
}

const HELP = `usage: npm run bench -- [AREA …] [--quick] [--json FILE]

  AREA        ${Object.keys(AREAS).join(', ')}; default: all of them
  --quick     the same keys from fewer rounds; under a minute an area
  --json FILE writes { machine, results: [{ key, value, unit, n }] }

Peers that are not installed (nginx, haproxy, scikit-learn, PyTorch) are left out. Figures are medians; run it on a quiet machine.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
})

if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const unknown = positionals.filter((name) => !Object.hasOwn(AREAS, name))
if (unknown.length > 0) {
  console.error(`unknown area "${unknown.join('", "')}"; there are: ${Object.keys(AREAS).join(', ')}`)
  process.exit(2)
}

const results: Result[] = []
const about = machineDetails()
if (about.loadAverage1m > 0.5)
  console.error(`note: load average is ${about.loadAverage1m}; figures will be noisy`)
let failed = false
for (const name of positionals.length > 0 ? positionals : Object.keys(AREAS)) {
  const began = process.hrtime.bigint()
  const log = (line: string) => console.error(`  ${name}: ${line}`)
  try {
    const area = await AREAS[name]?.()
    for await (const result of area?.default({ quick: values.quick, log }) ?? []) results.push(result)
    log(`done in ${Math.round(Number(process.hrtime.bigint() - began) / 1e9)} s`)
  } catch (thrown) {
    failed = true
    console.error(`  ${name}: failed: ${thrown instanceof Error ? thrown.stack : messageOf(thrown)}`)
  }
}

console.log(
  `${about.cpu}, ${about.cores} cores, ${about.memoryGiB} GiB, ${about.os}, Node ${about.node}, ${about.atUtc}\n`,
)
console.log(table(results))
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: about, results }, null, 1)}\n`)
process.exit(failed ? 1 : 0)
