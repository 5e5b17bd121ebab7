import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findNatsServer } from '../../central/up/nats-binary.ts'
import { type Stack, type StackOptions, startStack } from '../../central/up/stack.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

/**
 * A whole ATLAS in a directory of its own, which is removed when it stops: NATS, central and the deployed bundle in
 * workerd; no example shop, unless it is asked for. `natsServer: null` makes an island.
 */
export async function startOwnStack(
  options: Pick<StackOptions, 'policy'> & Partial<StackOptions>,
): Promise<Stack> {
  const stateDir = mkdtempSync(join(tmpdir(), 'atlas-stack-'))
  const remove = () => rmSync(stateDir, { recursive: true, force: true })
  const cacheDir = join(ROOT, '.atlas/cache')
  const say = options.say ?? (() => undefined)
  try {
    const natsServer = options.natsServer === undefined ? await natsPath(cacheDir, say) : options.natsServer
    const stack = await startStack({
      root: ROOT,
      stateDir,
      cacheDir,
      storefront: false,
      ...options,
      natsServer,
      say,
    })
    const stop = async () => {
      await stack.stop()
      remove()
    }
    return { ...stack, stop }
  } catch (thrown) {
    remove()
    throw thrown
  }
}

async function natsPath(cacheDir: string, say: (line: string) => void): Promise<string> {
  const nats = await findNatsServer(cacheDir, say)
  if (!nats.found) throw new Error(`no nats-server: ${nats.tried.join('; ')}`)
  return nats.path
}
