import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../support/free-port.ts'
import { type Running, run } from '../load/process.ts'

const COMPATIBILITY_DATE = '2026-11-01'
const root = path.resolve(import.meta.dirname, '../../..')
const workerd = (createRequire(import.meta.url)('workerd') as { default: string }).default

const KINDS: Readonly<Record<string, string>> = {
  '.js': 'esModule',
  '.wasm': 'wasm',
  '.onnx': 'data',
  '.bin': 'data',
}

/** A Worker's files, ready to be served any number of times. */
export interface Bundle {
  readonly folder: string
  readonly entry: string
}

/** A Worker of the benchmarks, bundled by wrangler as ATLAS is; gone when the bench ends. @param entry path of the Worker's source */
export async function bundleWorker(entry: string): Promise<Bundle> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'atlas-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const config = path.join(folder, 'wrangler.json')
  const rules = [{ type: 'Data', globs: ['**/*.onnx', '**/*.bin'], fallthrough: true }]
  await writeFile(
    config,
    JSON.stringify({ name: 'bench', main: entry, compatibility_date: COMPATIBILITY_DATE, rules }),
  )
  const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js')
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--config', config, '--dry-run', '--outdir', folder],
    { env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  )
  return { folder, entry: path.basename(entry) }
}

/**
 * Serves a bundle by a workerd process of its own, exactly as ATLAS is.
 * @param vars its text bindings
 */
export async function serveBundle(
  { folder, entry }: Bundle,
  vars: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const port = await freePort()
  const config = path.join(folder, `peer-${port}.capnp`)
  await writeFile(config, await configuration(folder, entry, vars, port))
  return run(workerd, ['serve', config], port)
}

/** Bundles a Worker and serves it. */
export async function serveWorker(
  entry: string,
  vars: Readonly<Record<string, string>> = {},
): Promise<Running> {
  return serveBundle(await bundleWorker(entry), vars)
}

async function configuration(
  out: string,
  entry: string,
  vars: Readonly<Record<string, string>>,
  port: number,
): Promise<string> {
  const main = entry.replace(/\.ts$/, '.js')
  const others = (await readdir(out)).filter((name) => name !== main && KINDS[path.extname(name)])
  const modules = [main, ...others].map(
    (name) => `(name = ${quoted(`./${name}`)}, ${KINDS[path.extname(name)]} = embed ${quoted(name)})`,
  )
  const bindings = Object.entries(vars).map(
    ([name, text]) => `(name = ${quoted(name)}, text = ${quoted(text)})`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [${modules.join(', ')}],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      bindings = [${bindings.join(', ')}],
      globalOutbound = "network")),
    (name = "network", network = (allow = ["public", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);
`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
