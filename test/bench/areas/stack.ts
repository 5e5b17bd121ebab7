import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { findNatsServer } from '../../../central/up/nats-binary.ts'
import { type Stack, type StackOptions, startStack } from '../../../central/up/stack.ts'
import { type PolicyInput, parsePolicy } from '../../../contract/policy.ts'

const root = path.resolve(import.meta.dirname, '../../..')

/** A whole ATLAS in a directory of its own: NATS, central and the deployed bundle in workerd. */
export async function benchStack(
  policy: PolicyInput,
  log: (line: string) => void,
  options: Partial<StackOptions> = {},
): Promise<Stack> {
  const stateDir = await mkdtemp(path.join(os.tmpdir(), 'atlas-bench-'))
  const cacheDir = path.join(root, '.atlas/cache')
  const nats = await findNatsServer(cacheDir, log)
  if (!nats.found) throw new Error(`nats-server is needed here: ${nats.tried.join('; ')}`)
  const stack = await startStack({
    root,
    stateDir,
    cacheDir,
    policy: parsePolicy(policy),
    storefront: false,
    natsServer: nats.path,
    say: log,
    ...options,
  })
  return {
    ...stack,
    stop: async () => {
      await stack.stop()
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}

/** A policy like a shop's: four modules, everything of the pipeline on, and a limit that is counted but never reached. */
export function everythingOn(origin: string): PolicyInput {
  return {
    apiVersion: 'atlas/v1',
    origin,
    modules: ['catalog', 'cart', 'payment', 'shipping'].map((name) => ({
      name,
      routes: [`/${name}/*`],
      loose: origin,
      contract: { timeoutMs: 5000, state: 'shared' as const },
    })),
    coupling: { hybrid: ['catalog'], hybridEnterRps: 1e8, looseEnterRps: 1e9, anomalyLoose: 1 },
    limits: [{ name: 'per-client', key: 'client', rps: 1e6, burst: 1e6 }],
  }
}
