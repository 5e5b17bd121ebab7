// `npm run check`: format and lint, types, dependency arrows, JSON schema, size budgets. Prints one line each, and all of what failed.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { messageOf } from '../contract/errors.ts'
import { checkArrows } from './arrows.ts'
import { checkSizes } from './sizes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = `${root}node_modules`

const CHECKS: readonly (readonly [string, () => Promise<string>])[] = [
  ['format and lint', () => command(`${modules}/@biomejs/biome/bin/biome`, 'check', '--error-on-warnings')],
  ['types, edge', () => command(`${modules}/typescript/bin/tsc`, '-p', 'tsconfig.json')],
  ['types, node', () => command(`${modules}/typescript/bin/tsc`, '-p', 'tsconfig.node.json')],
  ['arrows', async () => checkArrows().join('\n')],
  ['policy schema', () => command('.ci/schema.ts', '--check')],
  ['size budgets', () => checkSizes(root)],
]

let failed = 0
for (const [name, check] of CHECKS) {
  const began = Date.now()
  const problem = stripVTControlCharacters(await check().catch(messageOf))
  console.log(`${problem ? 'FAIL' : 'ok  '} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  if (problem) {
    failed += 1
    console.log(problem.replace(/^/gm, '     '))
  }
}
if (failed > 0) console.log(`\n${failed} of ${CHECKS.length} checks failed`)
process.exit(failed > 0 ? 1 : 0)

/** Runs a module of a tool; its output when it failed, else the empty text. */
function command(file: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], {
      cwd: root,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve(code === 0 ? '' : stripVTControlCharacters(output).trim() || `${file} ended with ${code}`),
    )
  })
}
