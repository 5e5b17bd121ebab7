import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import type { Policy } from '../../contract/policy.ts'
import { STATUS_PATH } from '../../contract/pop-status.ts'
import type { TimeScale } from '../../contract/ports.ts'
import type { PartSpec } from './part.ts'
import { answers } from './probe.ts'
import type { Keys, StateDir } from './state-dir.ts'
import { type BundledModule, type EdgeService, type WorkerdConfig, workerdConfig } from './workerd-config.ts'

export interface EdgeOptions {
  readonly root: string
  readonly state: StateDir
  /** Directory of the bundle. */
  readonly bundle: string
  readonly keys: Keys
  readonly policyName: string
  readonly defaultPolicy: Policy
  /** Ports of the edge services: the isolates of the first PoP, then those of the second, … */
  readonly ports: readonly number[]
  readonly edgesPerPop: number
  /** WebSocket port of NATS; null = island. */
  readonly natsPort: number | null
  readonly timeScale: TimeScale | null
  readonly tickMs: number | null
}

/** What wrangler.toml says of the Worker. */
export type Wrangler = z.output<typeof wranglerSchema>

const wranglerSchema = z.object({
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.string()).default({}),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
})

const KINDS: Readonly<Record<string, BundledModule['kind']>> = { wasm: 'wasm', onnx: 'data', bin: 'data' }
const MAIN = 'worker.js'

/** workerd with every edge service of the stack, configured from wrangler.toml. Writes the configuration. */
export function edgePart(options: EdgeOptions): PartSpec {
  const { root, state, keys, bundle } = options
  const wrangler = readWrangler(root)
  const configFile = state.file('workerd.capnp')
  const text = workerdConfig({
    compatibilityDate: wrangler.compatibility_date,
    compatibilityFlags: wrangler.compatibility_flags,
    modules: modulesOf(bundle, state.path),
    objects: objectsOf(wrangler),
    services: servicesOf(options, wrangler.vars),
    storageDir: state.directory('objects'),
  })
  writeFileSync(configFile, text, { mode: 0o600 })
  const seeds = keys.pops.map(({ seed }, index) => [seedVariable(index), seed])
  return {
    name: 'edge',
    command: (createRequire(import.meta.url)('workerd') as { default: string }).default,
    args: ['serve', configFile],
    env: { ATLAS_ADMIN_TOKEN: keys.adminToken, ...Object.fromEntries(seeds) },
    cwd: state.path,
    logFile: state.file('logs', 'edge.log'),
    answers: () =>
      answers(`http://127.0.0.1:${options.ports[0]}${STATUS_PATH}`, {
        authorization: `Bearer ${keys.adminToken}`,
      }),
    graceMs: 2000,
  }
}

function servicesOf(options: EdgeOptions, vars: Readonly<Record<string, string>>): EdgeService[] {
  const { keys, natsPort, edgesPerPop, timeScale, tickMs } = options
  return options.ports.map((port, index) => {
    const popIndex = Math.floor(index / edgesPerPop)
    const pop = keys.pops[popIndex]?.name ?? 'local'
    const isolate = index % edgesPerPop
    return {
      name: isolate === 0 ? pop : `${pop}.${isolate}`,
      port,
      objectsOf: pop,
      vars: {
        ...vars,
        ATLAS_POP: pop,
        ATLAS_POLICY: options.policyName,
        ATLAS_DEFAULT_POLICY: JSON.stringify(options.defaultPolicy),
        ATLAS_POLICY_KEYS: JSON.stringify(keys.trusted),
        ...(natsPort === null ? {} : { ATLAS_NATS_URL: `ws://127.0.0.1:${natsPort}` }),
        ...(timeScale === null ? {} : { ATLAS_TIME_SCALE: JSON.stringify(timeScale) }),
        ...(tickMs === null ? {} : { ATLAS_TICK_MS: String(tickMs) }),
      },
      secrets: {
        ATLAS_ADMIN_TOKEN: 'ATLAS_ADMIN_TOKEN',
        ...(natsPort === null ? {} : { ATLAS_NATS_SEED: seedVariable(popIndex) }),
      },
    }
  })
}

export function readWrangler(root: string): Wrangler {
  return wranglerSchema.parse(parse(readFileSync(join(root, 'wrangler.toml'), 'utf8')))
}

/** Bindings and classes of the Durable Objects. */
function objectsOf({ durable_objects }: Wrangler): WorkerdConfig['objects'] {
  return durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name }))
}

/** The main module first: workerd starts with it. */
export function modulesOf(bundle: string, configDir: string): BundledModule[] {
  const names = readdirSync(bundle).filter((name) => name !== MAIN && KINDS[extension(name)] !== undefined)
  return [MAIN, ...names.sort()].map((name) => ({
    name,
    kind: KINDS[extension(name)] ?? 'esModule',
    path: relative(configDir, join(bundle, name)),
  }))
}

function extension(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function seedVariable(popIndex: number): string {
  return `ATLAS_NATS_SEED_${popIndex}`
}
