import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, nkeyAuthenticator } from 'nats.ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CentralClient } from '../../../central/up/central-client.ts'
import type { Stack } from '../../../central/up/stack.ts'
import { type Message, parseMessage } from '../../../contract/messages.ts'
import { type Policy, parsePolicy } from '../../../contract/policy.ts'
import type { PopStatus } from '../../../contract/pop-status.ts'
import { STREAMS } from '../../../contract/subjects.ts'
import { startOwnStack } from '../../support/stack.ts'
import { until as asked } from '../../support/until.ts'

const POP = 'local'
let origin: Server
let stack: Stack
let client: CentralClient

function policyOf(minDwellS: number): Policy {
  const { port } = origin.address() as AddressInfo
  return parsePolicy({
    apiVersion: 'atlas/v1',
    origin: `http://127.0.0.1:${port}`,
    modules: [{ name: 'app', routes: ['/*'] }],
    coupling: { minDwellS },
  })
}

/** With longer patience than elsewhere: what is waited for here follows a server's restart. */
function until<T>(what: string, find: () => Promise<T>) {
  return asked(what, find, { limitMs: 40_000, state: () => stack.status() })
}

function status(what: string, test: (status: PopStatus) => boolean): Promise<PopStatus> {
  return until(what, async () => {
    const now = await stack.status()
    return now !== null && test(now) && now
  })
}

const visit = () => fetch(`${stack.urls.edges[0]}/x`).then((response) => response.text())

/** Every message of the PoP that the server holds, stream by stream, as central would read them. */
async function stored(): Promise<Map<string, Message[]>> {
  const seed = readFileSync(stack.state.file('keys', 'central.nkey'), 'utf8')
  const nats = await connect({
    servers: stack.urls.nats ?? '',
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed.trim())),
  })
  try {
    const manager = await nats.jetstreamManager()
    const all = new Map<string, Message[]>()
    for (const stream of Object.values(STREAMS)) {
      const { state } = await manager.streams.info(stream)
      const messages: Message[] = []
      for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
        const { subject, data } = await manager.streams.getMessage(stream, { seq })
        if (subject.split('.')[2] === POP) messages.push(parseMessage(new TextDecoder().decode(data)))
      }
      all.set(stream, messages)
    }
    return all
  } finally {
    await nats.close()
  }
}

beforeAll(async () => {
  origin = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await new Promise((ready) => origin.once('listening', ready))
  stack = await startOwnStack({ policy: policyOf(1), pops: [POP], tickMs: 100 })
  client = new CentralClient(stack.urls.central ?? '', stack.operatorToken)
  await status('the PoP is connected', ({ link }) => link.state === 'connected')
})

afterAll(async () => {
  await stack?.stop()
  origin?.close()
})

describe('the link of a PoP, over a real nats-server', () => {
  it('has a pushed policy in force, and acknowledges it', async () => {
    const { version } = await client.bring('default', policyOf(2))
    await status('the policy is in force', ({ second }) => second?.policy.version === version)
    const [pop] = await until('central knows', async () => {
      const pops = await client.rollout('default')
      return pops[0]?.version === version && pops
    })
    expect(pop).toMatchObject({ pop: POP, outcome: 'applied' })
  })

  it('keeps what it says while nats-server is killed, and central gets all of it in order', async () => {
    const before = await stored()
    stack.part('nats').kill('SIGKILL')
    const away = await status('the loss is noticed', ({ link }) => link.state === 'disconnected')
    expect(await visit()).toBe('ok')
    expect(away.link.error).not.toBeNull()
    await status('the outbox is empty again', ({ link }) => link.state === 'connected' && link.outboxRows < 3)
    const after = await stored()
    const seqs = [...after.values()].flat().map(({ seq }) => seq)
    seqs.sort((a, b) => a - b)
    const [first = 0] = seqs
    expect(seqs).toEqual(seqs.map((_, index) => first + index))
    for (const messages of after.values()) {
      const order = messages.map(({ seq }) => seq)
      expect(order).toEqual([...order].sort((a, b) => a - b))
    }
    expect(after.get(STREAMS.telemetry)?.length).toBeGreaterThan(before.get(STREAMS.telemetry)?.length ?? 0)
  })

  it('notices a server that has fallen silent without closing, and goes on when it is back', async () => {
    const pid = stack.part('nats').pid ?? 0
    process.kill(pid, 'SIGSTOP')
    try {
      await status('the silence is noticed', ({ link }) => link.state === 'disconnected')
      expect(await visit()).toBe('ok')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await status('the link is back', ({ link }) => link.state === 'connected' && link.outboxRows < 3)
  })

  it('catches up with policies that were pushed while workerd was killed, and resumes its counters', async () => {
    await visit()
    const before = await status('the visit is counted', ({ requests }) => requests > 0)
    const pid = stack.part('edge').pid
    stack.part('edge').kill('SIGKILL')
    await client.bring('default', policyOf(3))
    const { version } = await client.bring('default', policyOf(4))
    const after = await until('the PoP has caught up', async () => {
      const now = await stack.status()
      return stack.part('edge').pid !== pid && now?.second?.policy.version === version && now
    })
    expect(after.ticks).toBeGreaterThan(before.ticks)
    expect(after.requests).toBeGreaterThanOrEqual(before.requests)
    const acks = await until('both are acknowledged', async () => {
      const all = ((await stored()).get(STREAMS.ack) ?? []).flatMap((m) => (m.kind === 'ack' ? [m] : []))
      return all.at(-1)?.version === version && all
    })
    expect(acks.map((ack) => ack.version)).toEqual(acks.map((_, index) => index + (acks[0]?.version ?? 0)))
    expect(acks.every((ack) => ack.outcome === 'applied')).toBe(true)
  })
})
