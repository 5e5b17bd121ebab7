import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { dataFolder } from '../train/traces.node.ts'
import { type EvalArea, machineDetails, type Result } from './report.ts'

/** Each area's module: its default export is an EvalArea. */
const AREAS: Readonly<Record<string, string>> = {
  forecast: './forecast.ts',
  anomaly: './anomaly.ts',
  rca: './rca.ts',
  federated: './federated.ts',
}
/** Areas that make their own traffic. */
const WITHOUT_DATA: readonly string[] = ['federated']

const HELP = `usage: npm run eval -- AREA … [--data DIR] [--json FILE] [--quick]

  AREA        ${Object.keys(AREAS).join(', ')}
  --data DIR  data to judge by; default: $ATLAS_DATA, else ../shared/data (federated needs none)
  --json FILE writes { machine, results: [{ key, value, unit, n }] }
  --quick     the bars only, without studies and slow baselines`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const unknown = positionals.filter((name) => !Object.hasOwn(AREAS, name))
if (positionals.length === 0 || unknown.length > 0) {
  console.error(unknown.length > 0 ? `unknown area "${unknown.join('", "')}"\n\n${HELP}` : HELP)
  process.exit(2)
}
const data = values.data === undefined ? dataFolder() : resolve(values.data)
const needsData = positionals.some((name) => !WITHOUT_DATA.includes(name))
if (needsData && (data === null || !existsSync(data))) {
  console.error(
    `eval: there is no data at ${data ?? '../shared/data'}, and the recorded data is no part of the repository; say where it lies with --data DIR or ATLAS_DATA, or run \`npm run eval -- ${WITHOUT_DATA.join(' ')}\`, which needs none`,
  )
  process.exit(1)
}

const results: Result[] = []
let failed = false
for (const name of positionals) {
  const began = process.hrtime.bigint()
  const log = (line: string) => console.error(`  ${name}: ${line}`)
  try {
    const area = await areaOf(name)
    for await (const result of area({ dataDir: data ?? '', quick: values.quick, log, print: console.log }))
      results.push(result)
    log(`done in ${Math.round(Number(process.hrtime.bigint() - began) / 1e9)} s`)
  } catch (thrown) {
    failed = true
    const text = thrown instanceof AtlasError || !(thrown instanceof Error) ? messageOf(thrown) : thrown.stack
    console.error(`  ${name}: failed: ${text}`)
  }
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine: machineDetails(), results }, null, 1)}\n`)
process.exit(failed ? 1 : 0)

async function areaOf(name: string): Promise<EvalArea> {
  const url = new URL(AREAS[name] ?? '', import.meta.url)
  if (!existsSync(url))
    throw new AtlasError('config/invalid', `the area "${name}" is not part of this version`)
  return ((await import(url.href)) as { default: EvalArea }).default
}
