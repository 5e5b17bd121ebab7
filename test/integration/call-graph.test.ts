import { afterEach, expect, it } from 'vitest'
import type { Stack } from '../../central/up/stack.ts'
import { type Tally, visitShop } from '../../central/up/traffic.ts'
import type { MinuteMessage } from '../../contract/messages.ts'
import { looseShop } from '../support/loose-shop.ts'
import { startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Twenty times as fast: a minute lasts three seconds. */
const SPEED = 20
const VISITS = 5

let stack: Stack | undefined
afterEach(() => stack?.stop())

async function start(): Promise<Stack> {
  stack = await startOwnStack({
    policy: looseShop(),
    storefront: true,
    tickMs: 200,
    timeScale: (nowMs) => ({ wallStartMs: nowMs, startMs: nowMs, speed: SPEED, weight: SPEED }),
  })
  return stack
}

/** Minutes that central has heard of. */
async function minutes({ urls }: Stack): Promise<MinuteMessage[]> {
  const response = await fetch(`${urls.central}/v1/pops/local`)
  return response.ok ? ((await response.json()) as { minutes: MinuteMessage[] }).minutes : []
}

const isShare = (value: number | null) => value !== null && value > 0 && value <= 1

/** Requests by "caller → callee" that central has heard of. */
async function told(running: Stack): Promise<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { caller, callee, requests } of (await minutes(running)).flatMap(({ calls = [] }) => calls))
    sums[`${caller} → ${callee}`] = (sums[`${caller} → ${callee}`] ?? 0) + requests
  return sums
}

it('tells central which module calls which, and how busy each is, once they are services of their own', async () => {
  const running = await start()
  const edge = running.urls.edges[0] ?? ''
  await until('all is loose', async () => {
    await fetch(edge)
    return (await running.status())?.second?.mode === 'LOOSE'
  })
  const visits: Tally = { passed: 0, errors: [] }
  for (let visit = 0; visit < VISITS; visit++) await visitShop(edge, visits)
  expect(visits).toEqual({ passed: 10 * VISITS, errors: [] })

  const seenMs = (await running.status())?.second?.atMs ?? 0
  const isTold = async () => (await minutes(running)).some(({ minuteStartMs }) => minuteStartMs > seenMs)
  await until('those minutes are told', isTold, { state: () => running.status() })
  expect(await told(running)).toEqual({ 'shipping → payment': VISITS * SPEED })
  await until('the load of every module is told', async () =>
    (await minutes(running)).some(({ modules, origin }) =>
      [origin, ...modules.map((module) => module.origin)].every((load) => {
        const { cpu = null, memory = null, dbQueue = null, messageQueue = null } = load ?? {}
        return isShare(cpu) && isShare(memory) && dbQueue === 0 && messageQueue === null
      }),
    ),
  )
})
