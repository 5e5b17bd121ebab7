import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { Alert } from '../../central/ingest/alert-book.ts'
import type { Stack } from '../../central/up/stack.ts'
import type { StorefrontName } from '../../central/up/storefront.ts'
import { looseShop } from '../support/loose-shop.ts'
import { startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Ten times as fast, with ten ticks a second: the half minute before an alert lasts three seconds, a calm two minutes twelve. */
const SPEED = 10
const TICK_MS = 100
/** Ticks until the features are known, and after them twelve windows of ordinary operation; with some more of those. */
const WARM_TICKS = 60 + 5 * 12 + 60
/** Of each module in turn, one request after the other. */
const PATHS = ['/catalog/p001', '/cart/none', '/payment/none', '/shipping/quote/de?pieces=2'] as const
const GAP_MS = 25
/** What a module has time for. */
const TIMEOUT_MS = 300
const HUNG: StorefrontName = 'payment'

let stack: Stack | undefined
const off = new AbortController()
let asking: Promise<void>[] = []

afterEach(async () => {
  off.abort()
  stack?.part(HUNG).kill('SIGCONT')
  await Promise.all(asking)
  await stack?.stop()
  asking = []
})

async function start(): Promise<Stack> {
  const policy = looseShop()
  const modules = policy.modules.map(({ contract, ...module }) => ({
    ...module,
    ...(contract && { contract: { ...contract, timeoutMs: TIMEOUT_MS } }),
  }))
  stack = await startOwnStack({
    policy: { ...policy, modules },
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

async function alertsOf({ urls }: Stack, query: string): Promise<Alert[]> {
  const response = await fetch(`${urls.central}/v1/alerts?${query}`)
  return response.ok ? ((await response.json()) as { alerts: Alert[] }).alerts : []
}

it('names the service that hangs, in one alert that closes when the service goes on', async () => {
  const atlas = await start()
  const edge = atlas.urls.edges[0] ?? ''
  asking = PATHS.map((path) => ask(edge + path))
  await until('all is loose', async () => (await atlas.status())?.second?.mode === 'LOOSE')
  const from = (await atlas.status())?.ticks ?? 0
  await until(
    'what is ordinary is known',
    async () => ((await atlas.status())?.ticks ?? 0) > from + WARM_TICKS,
  )

  await until('nothing is odd', async () => (await alertsOf(atlas, 'open=true')).length === 0, {
    limitMs: 40_000,
  })
  const fromMs = (await atlas.status())?.second?.atMs ?? Number.NaN

  const began = performance.now()
  atlas.part(HUNG).kill('SIGSTOP')
  const open = await until(
    'an alert opens',
    async () => (await alertsOf(atlas, 'open=true')).find(({ suspects }) => suspects?.[0]?.module === HUNG),
    { state: async () => [await alertsOf(atlas, 'limit=10'), await atlas.status()] },
  )
  console.info(`alert ${Math.round(performance.now() - began)} ms after ${HUNG} was stopped`)
  expect((await alertsOf(atlas, 'open=true')).map(({ id }) => id)).toEqual([open.id])
  expect(open.suspects?.[0]).toMatchObject({ module: HUNG, path: ['the edge', HUNG] })

  atlas.part(HUNG).kill('SIGCONT')
  const closed = await until(
    'it closes',
    async () => (await alertsOf(atlas, 'open=false')).find(({ id }) => id === open.id),
    {
      limitMs: 40_000,
      state: async () => [await alertsOf(atlas, 'limit=10'), (await atlas.status())?.second],
    },
  )
  expect(closed.suspects?.[0]?.module).toBe(HUNG)
  const since = (await alertsOf(atlas, 'limit=10')).filter(({ sinceMs }) => sinceMs > fromMs)
  expect(since.map(({ id }) => id)).toEqual([open.id])
}, 150_000)
