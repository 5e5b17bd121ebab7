import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../contract/errors.ts'

const run = promisify(execFile)

const RELEASE = 'v2.11.4'
const RELEASES = `https://github.com/nats-io/nats-server/releases/download/${RELEASE}`

export type NatsBinary =
  | { readonly found: true; readonly path: string; readonly how: string }
  | { readonly found: false; readonly tried: readonly string[] }

/**
 * Finds nats-server: `NATS_SERVER_BIN`, PATH and /usr/sbin, the project's cache; then fetches it into the cache: the
 * Debian package (downloaded and unpacked, not installed), Homebrew, the release with its checksum. Never throws.
 */
export async function findNatsServer(
  cacheDir: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<NatsBinary> {
  const named = env.NATS_SERVER_BIN
  if (named) {
    if (isExecutable(named)) return { found: true, path: named, how: 'NATS_SERVER_BIN' }
    return { found: false, tried: [`NATS_SERVER_BIN names ${named}, which is no program`] }
  }
  for (const folder of [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, 'nats-server')
    if (folder && isExecutable(path)) return { found: true, path, how: 'installed' }
  }
  const cached = join(cacheDir, 'nats-server')
  if (isExecutable(cached)) return { found: true, path: cached, how: 'cache' }

  const tried: string[] = ['it is neither on PATH nor in /usr/sbin']
  const ways: [string, (path: string) => Promise<void>][] = [
    ['the Debian package', fromDebian],
    ['Homebrew', fromBrew],
    ['the release on GitHub', fromRelease],
  ]
  for (const [how, fetchInto] of ways) {
    const work = await mkdtemp(join(tmpdir(), 'atlas-nats-'))
    try {
      await fetchInto(work)
      mkdirSync(cacheDir, { recursive: true })
      copyFileSync(join(work, 'nats-server'), `${cached}.new`)
      chmodSync(`${cached}.new`, 0o755)
      await run(`${cached}.new`, ['--version'])
      renameSync(`${cached}.new`, cached)
      say(`nats-server fetched into the project's cache (${how})`)
      return { found: true, path: cached, how }
    } catch (thrown) {
      tried.push(`${how}: ${messageOf(thrown).split('\n')[0]}`)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
  return { found: false, tried }
}

/** `apt-get download` needs no root; a fresh machine's package lists are empty, and filling them does. */
async function fromDebian(work: string): Promise<void> {
  const download = () => run('apt-get', ['download', 'nats-server'], { cwd: work, timeout: 120_000 })
  await download().catch(async (thrown) => {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('there is no apt-get here')
    await run('apt-get', ['update', '-q'], { timeout: 180_000 })
    await download()
  })
  const deb = readdirSync(work).find((name) => name.endsWith('.deb'))
  if (!deb) throw new Error('apt-get brought no package')
  await run('dpkg', ['-x', deb, 'unpacked'], { cwd: work })
  renameSync(join(work, 'unpacked/usr/sbin/nats-server'), join(work, 'nats-server'))
}

async function fromBrew(work: string): Promise<void> {
  await run('brew', ['install', '--quiet', 'nats-server'], { timeout: 300_000 }).catch((thrown) => {
    throw (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? new Error('there is no brew here') : thrown
  })
  const { stdout } = await run('brew', ['--prefix', 'nats-server'])
  copyFileSync(join(stdout.trim(), 'bin/nats-server'), join(work, 'nats-server'))
}

async function fromRelease(work: string): Promise<void> {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]
  const os = { linux: 'linux', darwin: 'darwin' }[process.platform as string]
  if (!arch || !os) throw new Error(`there is none for ${process.platform} ${process.arch}`)
  const name = `nats-server-${RELEASE}-${os}-${arch}`
  const sums = new TextDecoder().decode(await download(`${RELEASES}/SHA256SUMS`))
  const wanted = sums
    .split('\n')
    .find((line) => line.endsWith(`${name}.tar.gz`))
    ?.split(/\s+/)[0]
  const archive = await download(`${RELEASES}/${name}.tar.gz`)
  if (!wanted || createHash('sha256').update(archive).digest('hex') !== wanted)
    throw new Error('its checksum is not the published one')
  writeFileSync(join(work, 'release.tar.gz'), archive)
  await run('tar', ['-xzf', 'release.tar.gz', '--strip-components=1', `${name}/nats-server`], { cwd: work })
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) }).catch((thrown) => {
    throw new Error(`${new URL(url).host} cannot be reached (${messageOf(thrown.cause ?? thrown)})`)
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return existsSync(path)
  } catch {
    return false
  }
}
