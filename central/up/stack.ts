import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AtlasError } from '../../contract/errors.ts'
import type { Policy } from '../../contract/policy.ts'
import { type PopStatus, STATUS_PATH } from '../../contract/pop-status.ts'
import type { TimeScale } from '../../contract/ports.ts'
import { natsServerConfig } from '../nats/server-config.ts'
import { bundleEdge } from './bundle.ts'
import { centralPart } from './central-part.ts'
import { edgePart } from './edge-part.ts'
import { gaugeFile, writeGauge } from './gauge.ts'
import { Leash } from './leash.ts'
import { Part, type PartSpec } from './part.ts'
import { withAddresses } from './policy-file.ts'
import { claimPorts, type PortWish } from './ports.ts'
import { accepts } from './probe.ts'
import { keysOf, StateDir } from './state-dir.ts'
import { STOREFRONT, type StorefrontName, storefrontAddresses, storefrontParts } from './storefront.ts'

export interface StackOptions {
  /** Root of the project. */
  readonly root: string
  readonly stateDir: string
  /** Where bundles and fetched tools are kept between runs. */
  readonly cacheDir: string
  /** The policy the edge starts with, and that is pushed to central. */
  readonly policy: Policy
  /** Whether to run the example shop; its addresses in the policy are exchanged for the real ones. */
  readonly storefront: boolean
  /** Path of nats-server; null = island: the edge runs on its own, without NATS and central. */
  readonly natsServer: string | null
  /** Wanted ports; 0 or absent = any free one. NATS takes `nats` and, for WebSocket, the next one. */
  readonly ports?: {
    readonly edge?: number
    readonly central?: number
    readonly nats?: number
    readonly storefront?: number
  }
  /** Names of the PoPs, 1 to 64; default one, `local`. Each has Durable Objects and an nkey of its own. */
  readonly pops?: readonly string[]
  /** Edge services (isolates) per PoP, all on the PoP's one object; default 1. */
  readonly edgesPerPop?: number
  readonly policyName?: string
  /** Made just before the edge starts, from the wall time of that moment; default: real time. */
  readonly timeScale?: (nowMs: number) => TimeScale
  readonly tickMs?: number
  /** Gives up the start; what was started is stopped. */
  readonly signal?: AbortSignal
  /** Told of what happens to the parts, a line each. */
  readonly say: (line: string) => void
}

export type PartName = 'edge' | 'central' | 'nats' | StorefrontName

/** A running stack. */
export interface Stack {
  readonly urls: {
    /** One URL an edge service, PoP by PoP. */
    readonly edges: readonly string[]
    readonly central: string | null
    /** WebSocket address. */
    readonly nats: string | null
    readonly origin: string
  }
  /** The policy with the addresses of this run. */
  readonly policy: Policy
  readonly policyName: string
  readonly operatorToken: string
  readonly adminToken: string
  readonly state: StateDir
  /** Whether the run before this one had not stopped cleanly. */
  readonly takenUp: boolean
  /** @throws AtlasError `config/invalid` when the stack has no such part */
  part(name: PartName): Part
  parts(): readonly Part[]
  /** Live state of a PoP from its own edge (by the index of its edge service); null while it does not answer. */
  status(edge?: number): Promise<PopStatus | null>
  stop(): Promise<void>
}

/**
 * Starts every part and waits until each answers: NATS, then central, the shop beside them, then the edge.
 * When one fails, what had been started is stopped again.
 * @throws AtlasError `setup/port-taken`, `setup/failed`
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const state = new StateDir(options.stateDir)
  const takenUp = state.lock()
  const leash = new Leash()
  const started: Part[] = []
  const stop = async () => {
    for (const group of stopOrder(started)) await Promise.all(group.map((part) => part.stop()))
    await leash.release()
    state.unlock()
  }
  options.signal?.addEventListener('abort', () => void Promise.all(started.map((part) => part.stop())))
  try {
    return await startParts(options, state, takenUp, leash, started, stop)
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

async function startParts(
  options: StackOptions,
  state: StateDir,
  takenUp: boolean,
  leash: Leash,
  started: Part[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const { root, say, pops = ['local'], edgesPerPop = 1, policyName = 'default' } = options
  const start = async (spec: PartSpec) => {
    if (options.signal?.aborted) throw new AtlasError('setup/failed', 'the start was given up')
    const part = new Part(spec, leash, say)
    started.push(part)
    await part.start()
  }
  const ports = await portsOf(options, pops.length * edgesPerPop)
  const keys = await keysOf(state, pops)
  const policy = options.storefront
    ? withAddresses(options.policy, storefrontAddresses(ports.shop))
    : options.policy
  const logFile = (name: string) => state.file('logs', `${name}.log`)
  const gaugeDir = state.directory('gauge')
  const natsUrl = ports.nats ? `ws://127.0.0.1:${ports.nats[1]}` : null

  const brain = async () => {
    if (options.natsServer === null || !ports.nats) return
    const [port, websocketPort] = ports.nats
    const configFile = state.file('nats.conf')
    const config = natsServerConfig({
      port,
      websocketPort,
      storeDir: state.directory('nats'),
      central: keys.centralNkey.publicKey,
      pops: keys.pops,
    })
    writeFileSync(configFile, config, { mode: 0o600 })
    await start({
      name: 'nats',
      command: options.natsServer,
      args: ['-c', configFile],
      cwd: state.path,
      logFile: logFile('nats'),
      answers: () => accepts(websocketPort),
    })
    await start(
      centralPart({
        root,
        keys,
        port: ports.central,
        natsUrl: natsUrl ?? '',
        gauge: gaugeFile(gaugeDir),
        logFile: logFile('central'),
      }),
    )
  }
  const shop = async () => {
    if (!options.storefront) return
    const storeFile = join(state.directory('storefront'), 'shop.db')
    const edge = `http://127.0.0.1:${ports.edges[0]}`
    await Promise.all(storefrontParts({ root, ports: ports.shop, storeFile, edge, logFile }).map(start))
  }
  const [bundle] = await allSettledOrThrow([bundleEdge(root, options.cacheDir), brain(), shop()])
  writeGauge(root, bundle as string, gaugeDir)
  await start(
    edgePart({
      root,
      state,
      bundle: bundle as string,
      keys,
      policyName,
      defaultPolicy: policy,
      ports: ports.edges,
      edgesPerPop,
      natsPort: ports.nats?.[1] ?? null,
      timeScale: options.timeScale?.(Date.now()) ?? null,
      tickMs: options.tickMs ?? null,
    }),
  )

  const edges = ports.edges.map((port) => `http://127.0.0.1:${port}`)
  const authorization = `Bearer ${keys.adminToken}`
  return {
    urls: {
      edges,
      central: ports.nats ? `http://127.0.0.1:${ports.central}` : null,
      nats: natsUrl,
      origin: policy.origin,
    },
    policy,
    policyName,
    operatorToken: keys.operatorToken,
    adminToken: keys.adminToken,
    state,
    takenUp,
    part: (name) => {
      const part = started.find(({ spec }) => spec.name === name)
      if (!part) throw new AtlasError('config/invalid', `this stack has no part "${name}"`)
      return part
    },
    parts: () => started,
    status: async (edge = 0) => {
      try {
        const url = `${edges[edge]}${STATUS_PATH}`
        const response = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(1000) })
        return response.ok ? ((await response.json()) as PopStatus) : null
      } catch {
        return null
      }
    },
    stop,
  }
}

interface Ports {
  readonly edges: readonly number[]
  readonly central: number
  /** TCP and WebSocket; null = island. */
  readonly nats: readonly [number, number] | null
  readonly shop: readonly number[]
}

async function portsOf(options: StackOptions, edgeCount: number): Promise<Ports> {
  const { edge = 0, central = 0, nats = 0, storefront = 0 } = options.ports ?? {}
  const wishes: PortWish[] = Array.from({ length: edgeCount }, (_, index) => ({
    what: 'the edge',
    port: index === 0 ? edge : 0,
    flag: '--port',
  }))
  if (options.natsServer !== null) {
    wishes.push({ what: 'central', port: central, flag: '--central-port' })
    wishes.push({ what: 'NATS', port: nats, flag: '--nats-port' })
    wishes.push({ what: "NATS's WebSocket", port: nats && nats + 1, flag: '--nats-port' })
  }
  if (options.storefront) {
    for (const [index, { name }] of STOREFRONT.entries())
      wishes.push({
        what: `the storefront's ${name}`,
        port: storefront && storefront + index,
        flag: '--storefront-port',
      })
  }
  const ports = await claimPorts(wishes)
  const take = (count: number) => ports.splice(0, count)
  const edges = take(edgeCount)
  const [centralPort = 0, tcp, websocket] = options.natsServer === null ? [] : take(3)
  return {
    edges,
    central: centralPort,
    nats: tcp !== undefined && websocket !== undefined ? [tcp, websocket] : null,
    shop: ports,
  }
}

/** Traffic stops first, then what it went to, then the brain, NATS last. */
function stopOrder(parts: readonly Part[]): Part[][] {
  const named = (...names: string[]) => parts.filter(({ spec }) => names.includes(spec.name))
  return [named('edge'), named(...STOREFRONT.map(({ name }) => name)), named('central'), named('nats')]
}

/** Waits for all, so that nothing still starts while the caller cleans up; then throws the first failure. */
async function allSettledOrThrow(work: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(work)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
