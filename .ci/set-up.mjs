// Set-up of a clone: dependencies, Node, Wasm core. Each step does nothing, and says nothing, when all is in place.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const NEEDED_NODE = [22, 12]
const CORE = 'core-wasm/build/core.wasm'

/** `npm ci` when what is installed is not what package-lock.json says. */
export async function installDependencies(root) {
  if (isInstalled(root)) return
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1000)
  console.log('atlas: installing dependencies (npm ci), about a minute the first time')
  const npm = process.env.npm_execpath
  const [command, ...args] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' }
  const child = spawn(command, [...args, 'ci', '--include=dev', '--loglevel=error', '--no-progress'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const progress = setInterval(() => console.log(`atlas: still installing, ${seconds()} s`), 15_000)
  const stop = (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message
      resolve(1)
    })
    child.on('close', (exit, signal) => resolve(exit ?? signal))
  })
  clearInterval(progress)
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop)
  if (code === 'SIGINT' || code === 'SIGTERM') process.exit(130)
  if (code !== 0) {
    throw new Error(
      `npm ci failed (${code}); it needs the npm registry. What it said:\n${output.trim().split('\n').slice(-15).join('\n')}`,
    )
  }
  console.log(`atlas: dependencies installed in ${seconds()} s`)
}

/** Compares npm's own record of what lies in node_modules with the lock file. */
function isInstalled(root) {
  const record = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(record)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(record, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true
    const has = present[path]
    return has === undefined ? Boolean(optional || devOptional) : has.version === version
  })
}

/** Path of a Node that is new enough: the running one, else the one that the dependencies bring. */
export function findNode(root) {
  const own = join(root, 'node_modules/node/bin/node')
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1])) return process.execPath
  if (existsSync(own)) return own
  throw new Error(
    `Node ${process.versions.node} is too old (needed: ${NEEDED_NODE.join('.')}), and the one from the npm package "node" is missing: remove node_modules and try again`,
  )
}

/** Compiles assembly/ when any of its files is newer than the compiled core. */
export function buildCore(root, node, { force = false } = {}) {
  const built = join(root, CORE)
  if (!force && existsSync(built) && statSync(built).mtimeMs >= newest(root)) return
  const result = spawnSync(node, ['.ci/build-core.mjs'], { cwd: root, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`the Wasm core did not build:\n${result.stdout}${result.stderr}`)
  if (force) process.stdout.write(result.stdout)
}

function newest(root) {
  const files = readdirSync(join(root, 'assembly'), { recursive: true }).map((name) => join('assembly', name))
  return Math.max(...[...files, '.ci/build-core.mjs'].map((file) => statSync(join(root, file)).mtimeMs))
}
