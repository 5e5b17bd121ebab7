import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePort, type Running, run } from '../load/process.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const COMPATIBILITY_DATE = '2026-11-01'
const bin = (name: string) => path.join(root, 'node_modules/.bin', name)

/**
 * A peer Worker, bundled by wrangler and served by workerd exactly as ATLAS is.
 * @param entry path of the Worker's source
 * @param vars its text bindings
 */
export async function servePeer(entry: string, vars: Readonly<Record<string, string>>): Promise<Running> {
  const out = await mkdtemp(path.join(os.tmpdir(), 'atlas-bench-'))
  const config = path.join(out, 'wrangler.json')
  await writeFile(
    config,
    JSON.stringify({ name: 'bench-peer', main: entry, compatibility_date: COMPATIBILITY_DATE }),
  )
  await promisify(execFile)(bin('wrangler'), ['deploy', '--config', config, '--dry-run', '--outdir', out], {
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  })
  const port = await freePort()
  const bindings = Object.entries(vars).map(
    ([name, text]) => `(name = ${capnp(name)}, text = ${capnp(text)})`,
  )
  const bundle = path.basename(entry).replace(/\.ts$/, '.js')
  await writeFile(
    path.join(out, 'peer.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed ${capnp(bundle)})],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      bindings = [${bindings.join(', ')}],
      globalOutbound = "network")),
    (name = "network", network = (allow = ["public", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);
`,
  )
  return run(bin('workerd'), ['serve', path.join(out, 'peer.capnp')], port)
}

function capnp(text: string): string {
  return JSON.stringify(text)
}
