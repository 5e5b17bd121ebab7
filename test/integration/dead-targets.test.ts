import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readPolicyFile } from '../../central/up/policy-file.ts'
import type { Stack } from '../../central/up/stack.ts'
import { STOREFRONT_POLICY, type StorefrontName } from '../../central/up/storefront.ts'
import type { Policy } from '../../contract/policy.ts'
import { ROOT, startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Status by status, with its time, what one path is answered; 0 when there was no answer. */
class Asker {
  readonly seen: { readonly atMs: number; readonly status: number }[] = []
  #on = true
  readonly #running: Promise<void>

  constructor(url: string) {
    this.#running = this.#run(url)
  }

  async #run(url: string): Promise<void> {
    while (this.#on) {
      const response = await fetch(url).catch(() => null)
      await response?.arrayBuffer()
      this.seen.push({ atMs: performance.now(), status: response?.status ?? 0 })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Waits until requests fail, and are good again; answers how long after `fromMs` that was. */
  async goodAgain(fromMs: number): Promise<number> {
    const bad = ({ atMs, status }: Asker['seen'][number]) => atMs > fromMs && (status === 0 || status >= 500)
    await until('requests fail', () => this.seen.some(bad))
    return until('they are good again', () => {
      const last = this.seen.findLastIndex(bad)
      const after = this.seen[last + 1]
      return after !== undefined && this.seen.length > last + 20 && after.atMs - fromMs
    })
  }

  async stop(): Promise<void> {
    this.#on = false
    await this.#running
  }
}

let stack: Stack | undefined
let askers: Asker[] = []

afterEach(async () => {
  await Promise.all(askers.map((asker) => asker.stop()))
  askers = []
  await stack?.stop()
})

async function start(coupling: Partial<Policy['coupling']>): Promise<Stack> {
  const policy = readPolicyFile(join(ROOT, STOREFRONT_POLICY))
  stack = await startOwnStack({
    policy: { ...policy, coupling: { ...policy.coupling, ...coupling } },
    storefront: true,
    natsServer: null,
    tickMs: 200,
  })
  return stack
}

/** kill -9, and nobody starts it again. */
async function kill(running: Stack, name: StorefrontName): Promise<number> {
  const atMs = performance.now()
  running.part(name).kill()
  await running.part(name).stop()
  return atMs
}

function ask(running: Stack, path: string): Asker {
  const asker = new Asker(`${running.urls.edges[0]}${path}`)
  askers.push(asker)
  return asker
}

const loose = async (running: Stack) => {
  const modules = (await running.status())?.second?.modules ?? []
  return modules.filter((module) => module.loose).map((module) => module.name)
}

describe('a target that dies and is not started again', () => {
  it('a service: its module is answered by the monolith, and goes back only when the service answers', async () => {
    const running = await start({
      hybridEnterRps: 3,
      hybridLeaveRps: 1,
      looseEnterRps: 5,
      looseLeaveRps: 4,
      minDwellS: 2,
    })
    const catalog = ask(running, '/catalog/p001')
    await until('all is loose', async () => (await loose(running)).length === 4)
    const waitedMs = await catalog.goodAgain(await kill(running, 'catalog'))
    expect(waitedMs).toBeLessThan(6000)
    await until('all others are loose', async () => (await loose(running)).join() === 'payment,cart,shipping')

    const from = catalog.seen.length
    await until(
      'the surge is refused',
      async () => (await running.status())?.lastDecision?.outcome === 'refused',
    )
    expect(await loose(running)).not.toContain('catalog')
    await running.part('catalog').start()
    await until('it is loose again', async () => (await loose(running)).includes('catalog'))
    expect(catalog.seen.slice(from).filter(({ status }) => status !== 200)).toEqual([])
    console.info(`catalog good again ${Math.round(waitedMs)} ms after the kill of its service`)
  }, 60_000)

  it('the monolith, with one service dead: the other modules move, and the one whose service is dead follows it', async () => {
    const running = await start({})
    const catalog = ask(running, '/catalog/p001')
    const payment = ask(running, '/payment/none')
    await until('both are answered', () => catalog.seen.length > 10 && payment.seen.length > 10)
    await kill(running, 'catalog')
    const waitedMs = await payment.goodAgain(await kill(running, 'monolith'))
    expect(waitedMs).toBeLessThan(6000)
    await until('all others are loose', async () => (await loose(running)).join() === 'payment,cart,shipping')
    expect(catalog.seen.at(-1)?.status).toBe(502)
    const fromMs = performance.now()
    await running.part('catalog').start()
    await until('catalog follows', async () => (await loose(running)).includes('catalog'))
    await until('and is good', () => catalog.seen.at(-1)?.status === 200)
    console.info(
      `payment good again ${Math.round(waitedMs)} ms after the kill of the monolith; catalog ${Math.round(performance.now() - fromMs)} ms after its service came back`,
    )
  }, 60_000)
})
