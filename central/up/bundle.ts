import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { AtlasError } from '../../contract/errors.ts'

/** What the Worker is made of; a change of any of it makes a new bundle. */
const SOURCES = [
  'edge',
  'contract',
  'core-wasm',
  'models',
  'wrangler.toml',
  'package.json',
  'package-lock.json',
]
const KEEP = 3

/**
 * The Worker as `wrangler deploy` would upload it, from the same wrangler.toml, in a directory of the cache.
 * @returns that directory; a second call with unchanged sources does nothing else
 * @throws AtlasError `setup/failed` with what wrangler said
 */
export async function bundleEdge(root: string, cacheDir: string): Promise<string> {
  const folder = join(cacheDir, `bundle-${hashOf(root)}`)
  if (existsSync(join(folder, 'worker.js'))) {
    utimesSync(folder, new Date(), new Date())
    return folder
  }
  const work = `${folder}.${process.pid}`
  mkdirSync(work, { recursive: true })
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
  try {
    await promisify(execFile)(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', work], {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' },
    })
    if (!existsSync(folder)) renameSync(work, folder)
  } catch (cause) {
    const said = stripVTControlCharacters((cause as { stderr?: string }).stderr ?? '').trim()
    throw new AtlasError('setup/failed', `the Worker could not be bundled:\n${said || String(cause)}`, {
      cause,
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  dropOld(cacheDir)
  return folder
}

function hashOf(root: string): string {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    const path = join(root, source)
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path]
    for (const file of files) hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}

/** Keeps the bundles that were used last: a running stack reads its own again when it restarts workerd. */
function dropOld(cacheDir: string): void {
  const bundles = readdirSync(cacheDir)
    .filter((name) => /^bundle-[0-9a-f]+$/.test(name))
    .map((name) => ({ path: join(cacheDir, name), usedMs: statSync(join(cacheDir, name)).mtimeMs }))
    .sort((a, b) => b.usedMs - a.usedMs)
  for (const { path } of bundles.slice(KEEP)) rmSync(path, { recursive: true, force: true })
}
