import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, nkeyAuthenticator } from 'nats.ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CentralClient } from '../../central/up/central-client.ts'
import { readPolicyFile } from '../../central/up/policy-file.ts'
import type { Stack } from '../../central/up/stack.ts'
import { STOREFRONT_POLICY } from '../../central/up/storefront.ts'
import { parseMessage } from '../../contract/messages.ts'
import { STREAMS } from '../../contract/subjects.ts'
import { ROOT, startOwnStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Requests that go on in the background, one after the other, and what became of them. */
class Traffic {
  passed = 0
  readonly failures: string[] = []
  #on = true
  readonly #running: Promise<void>

  constructor(url: string) {
    this.#running = this.#run(url)
  }

  async #run(url: string): Promise<void> {
    while (this.#on) {
      const response = await fetch(`${url}/catalog/p001`).catch((error: Error) => error)
      if (response instanceof Response && response.ok) this.passed += 1
      else this.failures.push(response instanceof Response ? String(response.status) : response.message)
      if (response instanceof Response) await response.arrayBuffer()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async stop(): Promise<void> {
    this.#on = false
    await this.#running
  }
}

let stack: Stack
let central: CentralClient
const said: string[] = []

beforeAll(async () => {
  stack = await startOwnStack({
    policy: readPolicyFile(join(ROOT, STOREFRONT_POLICY)),
    storefront: true,
    tickMs: 200,
    say: (line) => said.push(line),
  })
  central = new CentralClient(stack.urls.central ?? '', stack.operatorToken)
  await push(3)
}, 60_000)

afterAll(async () => {
  await stack?.stop()
})

/** Pushes the policy with a minimum dwell of so many seconds, and waits until the PoP follows it. */
async function push(minDwellS: number): Promise<number> {
  const { version } = await bring(minDwellS)
  await followed(version)
  return version
}

function bring(minDwellS: number) {
  const { coupling } = stack.policy
  return central.bring(stack.policyName, { ...stack.policy, coupling: { ...coupling, minDwellS } })
}

async function followed(version: number): Promise<void> {
  await until(`policy version ${version} is followed`, async () => {
    const status = await stack.status()
    return status?.second?.policy.version === version
  })
}

async function during(work: (traffic: Traffic) => Promise<void>): Promise<Traffic> {
  const traffic = new Traffic(stack.urls.edges[0] ?? '')
  try {
    await until('traffic flows', () => traffic.passed > 5)
    await work(traffic)
    const before = traffic.passed
    await until('traffic still flows', () => traffic.passed > before + 5)
  } finally {
    await traffic.stop()
  }
  return traffic
}

const connected = async () => (await stack.status())?.link.state === 'connected'

describe('kill -9 in mid-traffic', () => {
  it('of nats-server: no request fails, what was to be said waits in the outbox and is said in order', async () => {
    const traffic = await during(async () => {
      stack.part('nats').kill()
      await until('it is started again', () => said.some((line) => line.startsWith('nats answers again')))
      await until('the PoP is connected again', connected)
      await stack.part('nats').stop()
      await until('the PoP keeps what it has to say', async () => {
        const link = (await stack.status())?.link
        return link !== undefined && link.state !== 'connected' && link.outboxRows >= 5
      })
      await stack.part('nats').start()
      await until('the outbox is empty again', async () => {
        const link = (await stack.status())?.link
        return link?.state === 'connected' && link.outboxRows <= 2
      })
    })
    expect(traffic.failures).toEqual([])
    expect((await stack.status())?.link.outboxDropped).toBe(0)
  })

  it('of central: no request fails, and it takes pushes again as soon as it is back', async () => {
    const traffic = await during(async () => {
      stack.part('central').kill()
      await push(4)
    })
    expect(traffic.failures).toEqual([])
    expect(stack.part('central').restarts).toBeGreaterThan(0)
  })

  it('of workerd: it is back with the policy it had, and only requests in flight were lost', async () => {
    const version = await push(5)
    const traffic = await during(async (flowing) => {
      stack.part('edge').kill()
      const before = flowing.passed
      await until('it serves again', () => flowing.passed > before + 3)
    })
    expect((await stack.status())?.second?.policy.version).toBe(version)
    expect(traffic.failures.filter((failure) => /^\d+$/.test(failure))).toEqual([])
  })

  it('of workerd, while a policy is pushed: the PoP catches up by its cursor', async () => {
    await stack.part('edge').stop()
    await bring(6)
    const { version } = await bring(7)
    await stack.part('edge').start()
    await followed(version)
    const acknowledged = await central.rollout(stack.policyName)
    await until('it is acknowledged', async () => {
      const pops = await central.rollout(stack.policyName)
      return pops.some(
        ({ pop, state, running }) => pop === 'local' && state === 'applied' && running === version,
      )
    })
    expect(acknowledged.length).toBe(1)
  })

  it('of a service: its module answers again, and the supervisor says what it did', async () => {
    stack.part('payment').kill()
    await until('it is said', () => said.some((line) => line.startsWith('payment answers again')))
    expect(said).toContain('payment died (SIGKILL); starting it again in 200 ms')
  })

  it('loses no message and keeps their order over all of it', async () => {
    await until('the PoP is connected', connected)
    await until('the outbox is empty', async () => ((await stack.status())?.link.outboxRows ?? 9) <= 2)
    const seqs = await Promise.all(Object.values(STREAMS).map(seqsIn))
    for (const each of seqs) expect(each).toEqual(each.toSorted((a, b) => a - b))
    const all = seqs.flat().sort((a, b) => a - b)
    const first = all[0] ?? 0
    expect(all.length).toBeGreaterThan(20)
    expect(all).toEqual(Array.from({ length: all.length }, (_, index) => first + index))
  })
})

/** Outbox numbers of the PoP's messages in a stream, in the stream's order. */
async function seqsIn(stream: string): Promise<number[]> {
  const seed = readFileSync(stack.state.file('keys', 'central.nkey'))
  const connection = await connect({ servers: stack.urls.nats ?? '', authenticator: nkeyAuthenticator(seed) })
  try {
    const manager = await connection.jetstreamManager()
    const { state } = await manager.streams.info(stream)
    const seqs: number[] = []
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
      const message = await manager.streams.getMessage(stream, { seq })
      if (message.subject.includes('.local.'))
        seqs.push(parseMessage(new TextDecoder().decode(message.data)).seq)
    }
    return seqs
  } finally {
    await connection.close()
  }
}
