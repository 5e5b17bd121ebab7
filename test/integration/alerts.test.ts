import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { Alert } from '../../central/ingest/alert-book.ts'
import { readPolicyFile } from '../../central/up/policy-file.ts'
import type { Stack } from '../../central/up/stack.ts'
import { STOREFRONT_POLICY, type StorefrontName } from '../../central/up/storefront.ts'
import { ROOT, startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Ten times as fast, with ten ticks a second: the half minute before an alert lasts three seconds, a calm two minutes twelve. */
const SPEED = 10
const TICK_MS = 100
/** Ticks until the features are known, and after them twelve windows of ordinary operation; with some more of those. */
const WARM_TICKS = 60 + 5 * 12 + 60
/** Of each module in turn, one request after the other. */
const PATHS = ['/catalog/p001', '/cart/none', '/payment/none', '/shipping/quote/de?pieces=2'] as const
const GAP_MS = 25
const STOPPED_MS = 80
const RUNNING_MS = 15

let stack: Stack | undefined
const off = new AbortController()
let running: Promise<unknown>[] = []

afterEach(async () => {
  off.abort()
  await Promise.all(running)
  await stack?.stop()
  running = []
})

/** The shop, all of whose modules go loose with the first requests and stay so. */
async function start(): Promise<Stack> {
  const policy = readPolicyFile(join(ROOT, STOREFRONT_POLICY))
  const coupling = {
    ...policy.coupling,
    hybridLeaveRps: 0.001,
    hybridEnterRps: 0.002,
    looseLeaveRps: 0.003,
    looseEnterRps: 0.004,
    leaveAfterS: 86_400,
    minDwellS: 0,
  }
  stack = await startOwnStack({
    policy: { ...policy, coupling },
    storefront: true,
    tickMs: TICK_MS,
    timeScale: (nowMs) => ({ wallStartMs: nowMs, startMs: nowMs, speed: SPEED, weight: SPEED }),
  })
  return stack
}

/** Requests of one path, evenly spaced whether or not the last one was answered. */
async function ask(url: string): Promise<void> {
  const open = new Set<Promise<unknown>>()
  for (let dueMs = performance.now(); !off.signal.aborted; dueMs += GAP_MS) {
    await delay(Math.max(0, dueMs - performance.now()))
    if (open.size > 100) continue
    const asked = fetch(url, { signal: AbortSignal.timeout(10_000) })
      .then((response) => response.arrayBuffer())
      .catch(() => null)
      .finally(() => open.delete(asked))
    open.add(asked)
  }
  await Promise.all(open)
}

/** Holds a process up again and again, by signals to it alone, until it is told to let it run. */
function hamper(part: ReturnType<Stack['part']>): { release(): Promise<void> } {
  let on = true
  const pulses = (async () => {
    while (on) {
      part.kill('SIGSTOP')
      await delay(STOPPED_MS)
      part.kill('SIGCONT')
      await delay(RUNNING_MS)
    }
  })()
  const release = () => {
    on = false
    return pulses
  }
  running.push(pulses)
  off.signal.addEventListener('abort', () => void release())
  return { release }
}

async function alertsOf({ urls }: Stack, query: string): Promise<Alert[]> {
  const response = await fetch(`${urls.central}/v1/alerts?${query}`)
  return response.ok ? ((await response.json()) as { alerts: Alert[] }).alerts : []
}

it('names the service that is slow, in one alert that closes when the service has recovered', async () => {
  const atlas = await start()
  const edge = atlas.urls.edges[0] ?? ''
  running = PATHS.map((path) => ask(edge + path))
  await until('all is loose', async () => (await atlas.status())?.second?.mode === 'LOOSE')
  const from = (await atlas.status())?.ticks ?? 0
  await until(
    'what is ordinary is known',
    async () => ((await atlas.status())?.ticks ?? 0) > from + WARM_TICKS,
  )

  const slow: StorefrontName = 'payment'
  const began = performance.now()
  const { release } = hamper(atlas.part(slow))
  const open = await until(
    'an alert opens',
    async () => (await alertsOf(atlas, 'open=true')).find(({ suspects }) => suspects?.[0]?.module === slow),
    { state: async () => [await alertsOf(atlas, 'limit=10'), await atlas.status()] },
  )
  console.info(`alert ${Math.round(performance.now() - began)} ms after ${slow} became slow`)
  expect((await alertsOf(atlas, 'open=true')).map(({ id }) => id)).toEqual([open.id])
  expect(open.suspects?.[0]).toMatchObject({ module: slow, metric: 'latency', path: ['the edge', slow] })

  await release()
  const closed = await until(
    'it closes',
    async () => (await alertsOf(atlas, 'open=false')).find(({ id }) => id === open.id),
    {
      limitMs: 40_000,
      state: async () => [await alertsOf(atlas, 'limit=10'), (await atlas.status())?.second],
    },
  )
  expect(closed.suspects?.[0]?.module).toBe(slow)
  expect(await alertsOf(atlas, 'limit=10')).toHaveLength(1)
}, 110_000)
