import { describe, expect, it } from 'vitest'
import { toBase64 } from '../../../contract/base64.ts'
import type { AckMessage } from '../../../contract/messages.ts'
import type { Policy } from '../../../contract/policy.ts'
import { signPolicy } from '../../../contract/signed-policy.ts'
import type { Connection } from '../../../edge/pop/nats-connection.ts'
import type { StoredMessage } from '../../../edge/pop/policy-sync.ts'
import { POLICY, type Rig, START_MS, withPop } from './pop-rig.ts'

/** Central as a PoP sees it: a policy stream, a hint, and what was published. */
class FakeCentral implements Connection {
  readonly stream: StoredMessage[] = []
  readonly published: { subject: string; body: string; id: string }[] = []
  readonly closed = new Promise<string>(() => undefined)
  #hint: () => void = () => {}
  #waiting: (() => void)[] = []

  readonly policies = {
    next: async (fromSeq: number) => this.stream.find((message) => message.seq >= fromSeq) ?? null,
    last: async () => this.stream.at(-1) ?? null,
  }
  readonly models = {
    releases: { next: async () => null, last: async () => null },
    adaptations: { next: async () => null, last: async () => null },
    fetch: async () => new Uint8Array(),
    onHint: () => undefined,
  }
  onHint(hint: () => void): void {
    this.#hint = hint
  }
  onDenied(): void {}
  async publish(subject: string, body: string, id: string): Promise<void> {
    this.published.push({ subject, body, id })
    for (const wake of this.#waiting.splice(0)) wake()
  }
  async close(): Promise<void> {}

  push(text: string, operation: string | null = null): void {
    const seq = (this.stream.at(-1)?.seq ?? 0) + 1
    this.stream.push({ seq, timeStamp: `t${seq}`, operation, text })
    this.#hint()
  }

  /** The next acknowledgement that is published after `seen` of them. */
  async ack(seen: number): Promise<AckMessage> {
    for (;;) {
      const found = this.acks()[seen]
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  acks(): AckMessage[] {
    return this.published
      .map(({ body }) => JSON.parse(body) as AckMessage)
      .filter(({ kind }) => kind === 'ack')
  }
}

const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
const raw = (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer
const keys = { test: toBase64(new Uint8Array(raw)) }

function signed(version: number, policy: object = POLICY, name = 'default'): Promise<string> {
  return signPolicy(
    { name, version, issuedAtMs: START_MS - 5, policy: policy as Policy },
    pair.privateKey,
    'test',
  )
}

function withCentral(
  name: string,
  use: (rig: Rig, central: FakeCentral, state: DurableObjectState) => Promise<void>,
): Promise<void> {
  const central = new FakeCentral()
  return withPop(name, { keys, connect: async () => central }, async (rig, state) => {
    rig.pop.start()
    await use(rig, central, state)
  })
}

describe('policies of central', () => {
  it('are in force and acknowledged as soon as they are heard, without waiting for a tick', async () => {
    await withCentral('applied', async (rig, central) => {
      central.push(await signed(1, { ...POLICY, autonomyLevel: 4 }))
      const ack = await central.ack(0)
      expect(ack).toMatchObject({
        outcome: 'applied',
        version: 1,
        policy: 'default',
        issuedAtMs: START_MS - 5,
      })
      expect(ack.appliedAtMs).toBe(START_MS)
      expect(rig.pop.table).toMatchObject({ version: 2, policyVersion: 1, policy: { autonomyLevel: 4 } })
      expect(rig.pop.flush(rig.report({ tableVersion: 1 })).table?.policyVersion).toBe(1)
      expect(central.published.at(-1)).toMatchObject({ subject: 'atlas.ack.applied.default' })
    })
  })

  it('are refused when unsigned, invalid, stale or not this PoP’s, and the last good one stays', async () => {
    await withCentral('refused-policy', async (rig, central) => {
      central.push(await signed(5))
      await central.ack(0)
      const good = rig.pop.table
      const forged = JSON.parse(await signed(6)) as { payload: string }
      forged.payload = forged.payload.replace('"version":6', '"version":7')
      const unknown = { ...POLICY, coupling: { ...POLICY.coupling, hybrid: ['basket'] } }
      const cases: [string, Partial<AckMessage>][] = [
        ['no json', { code: 'policy/syntax', version: 0 }],
        [JSON.stringify(forged), { code: 'policy/unsigned', version: 7 }],
        [await signed(8, unknown), { code: 'policy/invalid', version: 8 }],
        [await signed(4), { code: 'policy/stale', version: 4 }],
        [await signed(9, POLICY, 'other'), { code: 'policy/invalid', version: 9 }],
      ]
      for (const [index, [text, expected]] of cases.entries()) {
        central.push(text)
        expect(await central.ack(index + 1)).toMatchObject({ outcome: 'rejected', ...expected })
        expect(rig.pop.table).toBe(good)
      }
      expect(central.acks()[3]?.faults[0]).toMatchObject({ path: 'coupling.hybrid.0' })
      expect(rig.pop.status().policyError).toMatch(/^policy\/invalid: .*"other"/)
      central.push(await signed(10))
      await central.ack(6)
      expect(rig.pop.status().policyError).toBeNull()
    })
  })

  it('pass unnoticed when they are in force already, or are markers of a deletion', async () => {
    await withCentral('seen', async (rig, central) => {
      central.push(await signed(1))
      await central.ack(0)
      central.push(await signed(1))
      central.push('', 'DEL')
      central.push('', 'PURGE')
      central.push(await signed(2))
      expect(await central.ack(1)).toMatchObject({ outcome: 'applied', version: 2 })
      expect(central.acks()).toHaveLength(2)
      expect(rig.pop.status().policyError).toBeNull()
    })
  })

  it('leave modules coupled as they were, by name; what cannot be loose any more goes tight', async () => {
    await withCentral('carried', async (rig, central) => {
      for (let tick = 0; tick < 3; tick++) {
        rig.traffic(0, 9000)
        await rig.tick()
      }
      expect(rig.pop.table).toMatchObject({ mode: 'LOOSE', vector: 0b011 })
      const [cart, payment, still] = POLICY.modules
      const { loose: _, ...tight } = payment ?? {}
      central.push(await signed(1, { ...POLICY, modules: [still, tight, cart] }))
      await central.ack(0)
      expect(rig.pop.table).toMatchObject({ vector: 0b100, mode: 'LOOSE', policyVersion: 1 })
      await rig.tick()
      const [first, , third] = rig.pop.status().second?.modules ?? []
      expect(first).toMatchObject({ name: 'static', rps: 0 })
      expect(third?.name).toBe('cart')
      expect(third?.rps).toBeGreaterThan(6000)
    })
  })

  it('go on from the cursor after a restart, in order and each once', async () => {
    await withCentral('cursor', async (rig, central) => {
      central.push(await signed(1))
      await central.ack(0)
      for (const version of [2, 3]) {
        central.stream.push({
          seq: version,
          timeStamp: `t${version}`,
          operation: null,
          text: await signed(version),
        })
      }
      rig.restart().start()
      await central.ack(2)
      expect(central.acks().map(({ version }) => version)).toEqual([1, 2, 3])
      expect(rig.pop.table).toMatchObject({ policyVersion: 3, version: 4 })
    })
  })
})

describe('what a PoP says', () => {
  it('reaches central in the order it was said, each message numbered above the one before', async () => {
    await withCentral('order', async (rig, central) => {
      for (let tick = 0; tick < 3; tick++) {
        rig.traffic(0, 2000)
        await rig.tick()
      }
      central.push(await signed(1))
      await central.ack(0)
      const messages = central.published.map(({ body }) => JSON.parse(body) as { seq: number; kind: string })
      const seqs = messages.map(({ seq }) => seq)
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
      expect(new Set(seqs).size).toBe(seqs.length)
      expect(messages.map(({ kind }) => kind)).toEqual(['second', 'decision', 'second', 'second', 'ack'])
      expect(central.published.map(({ id }) => id)).toEqual(seqs.map((seq) => `order-01234567-${seq}`))
      expect(rig.outbox()).toEqual([])
    })
  })
})
