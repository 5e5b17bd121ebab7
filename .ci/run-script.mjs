// What every `npm run NAME` goes through: brings the set-up up to date, then runs NAME with a Node that is new enough.
// Plain JavaScript without dependencies, for Node >= 20: it must run before anything is installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkDeployment } from './deploy-target.mjs'
import { buildCore, findNode, installDependencies } from './set-up.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Each script: the module to run, its fixed arguments, and whether it needs the Wasm core. */
const SCRIPTS = {
  start: { module: 'central/up/main.node.ts', core: true },
  test: { module: 'node_modules/vitest/vitest.mjs', args: ['run'], core: true },
  check: { module: '.ci/check.ts', core: true },
  replay: { module: 'examples/replay/main.node.ts', core: true },
  bench: { module: 'test/bench/main.node.ts', core: true },
  train: { module: 'central/train/main.node.ts', core: true },
  eval: { module: 'central/eval/main.node.ts', core: true },
  atlasctl: { module: 'central/ctl/main.node.ts' },
  dev: { module: 'node_modules/wrangler/bin/wrangler.js', args: ['dev'], core: true },
  deploy: { module: 'node_modules/wrangler/bin/wrangler.js', args: ['deploy'], core: true },
  gauge: { module: 'central/up/gauge.node.ts', core: true },
  schema: { module: '.ci/schema.ts' },
  build: {},
}

const [name = '', ...rest] = process.argv.slice(2)
const script = SCRIPTS[name]
if (!script) fail(`unknown script "${name}"; there are: ${Object.keys(SCRIPTS).join(', ')}`)

process.chdir(root)
process.env.ONNXRUNTIME_NODE_INSTALL = 'skip'
try {
  if (name === 'deploy') checkDeployment(rest)
  await installDependencies(root)
  const node = findNode(root)
  if (script.core || name === 'build') buildCore(root, node, { force: name === 'build' })
  if (script.module) run(node, script)
} catch (thrown) {
  fail(thrown instanceof Error ? thrown.message : String(thrown))
}

/** Hands over to the script: its output, input and exit code are ours, our signals are its. */
function run(node, { module, args = [] }) {
  if (!existsSync(module)) fail(`"${name}" is not part of this version (${module} is missing)`)
  const env = { ...process.env, PATH: `${node.slice(0, node.lastIndexOf('/'))}:${process.env.PATH}` }
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', module, ...args, ...rest], {
    stdio: 'inherit',
    env,
  })
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  endWithParent(child)
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}

/** npm killed with -9 cannot pass a signal on; then this process has a new parent, and stops its child. */
function endWithParent(child) {
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 1000).unref()
}

function fail(message) {
  console.error(`atlas: ${message}`)
  process.exit(1)
}
