import { describe, expect, it } from 'vitest'
import type { Draft } from '../../../contract/messages.ts'
import { seededRandom } from '../../../contract/ports.ts'
import type { OutboxRow } from '../../../edge/pop/envelope.ts'
import type { Connection } from '../../../edge/pop/nats-connection.ts'
import { NatsLink } from '../../../edge/pop/nats-link.ts'

/** A server that answers as told, an outbox in memory, and waits that end when the test says so. */
class Scene {
  rows: OutboxRow[] = []
  readonly published: number[] = []
  readonly waits: { ms: number; end: () => void }[] = []
  readonly syncs: string[] = []
  opened = 0
  openFails: Error | null = null
  /** What the next publish meets; none: it is acknowledged. */
  readonly failures: unknown[] = []
  end: (reason: string) => void = () => undefined
  denied: (reason: string) => void = () => undefined
  hint: () => void = () => undefined
  readonly link = new NatsLink({
    open: async () => {
      this.opened++
      if (this.openFails !== null) throw this.openFails
      return this.#connection()
    },
    outbox: {
      peek: (limit) => this.rows.slice(0, limit),
      remove: (seq) => {
        this.rows = this.rows.filter((row) => row.seq !== seq)
      },
    },
    pop: 'p1',
    epoch: 'e',
    syncPolicy: async (_, why) => {
      this.syncs.push(why)
    },
    syncModels: async () => undefined,
    wait: (ms) => new Promise((resolve) => this.waits.push({ ms, end: resolve })),
    random: seededRandom(1),
  })

  #connection(): Connection {
    const closed = new Promise<string>((resolve) => {
      this.end = resolve
    })
    return {
      policies: { next: async () => null, last: async () => null },
      models: {
        releases: { next: async () => null, last: async () => null },
        adaptations: { next: async () => null, last: async () => null },
        fetch: async () => new Uint8Array(),
        onHint: () => undefined,
      },
      publish: async (_, body) => {
        const failure = this.failures.shift()
        if (failure !== undefined) throw failure
        this.published.push((JSON.parse(body) as { seq: number }).seq)
      },
      onHint: (hint) => {
        this.hint = hint
      },
      onDenied: (denied) => {
        this.denied = denied
      },
      closed,
      close: async () => undefined,
    }
  }

  say(...seqs: number[]): void {
    this.rows.push(...seqs.map((seq) => ({ seq, draft: { kind: 'second', atMs: seq } as unknown as Draft })))
    this.link.kick()
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn++) await Promise.resolve()
  }
}

async function connected(): Promise<Scene> {
  const scene = new Scene()
  void scene.link.run()
  await scene.settle()
  return scene
}

describe('NatsLink', () => {
  it('publishes in order and forgets a row only when it is acknowledged', async () => {
    const scene = await connected()
    scene.say(1, 2, 3)
    await scene.settle()
    expect(scene.published).toEqual([1, 2, 3])
    expect(scene.rows).toEqual([])
    expect(scene.link).toMatchObject({ state: 'connected', error: null })
  })

  it('keeps what was said while it is away, and sends it when it is back', async () => {
    const scene = new Scene()
    scene.openFails = new Error('refused')
    void scene.link.run()
    await scene.settle()
    scene.say(1, 2)
    await scene.settle()
    expect(scene.link).toMatchObject({ state: 'disconnected', error: 'refused' })
    scene.openFails = null
    scene.waits.shift()?.end()
    await scene.settle()
    expect(scene.published).toEqual([1, 2])
  })

  it('stops at a row that fails, tries it again, and never overtakes it', async () => {
    const scene = await connected()
    scene.failures.push(new Error('503'), new Error('TIMEOUT'))
    scene.say(1, 2)
    await scene.settle()
    expect(scene.published).toEqual([])
    expect(scene.link.error).toContain('503')
    scene.waits.shift()?.end()
    await scene.settle()
    expect(scene.published).toEqual([])
    scene.waits.shift()?.end()
    await scene.settle()
    expect(scene.published).toEqual([1, 2])
  })

  it('gives up only a message that is too large for the server', async () => {
    const scene = await connected()
    scene.failures.push(Object.assign(new Error('max payload'), { code: 'MAX_PAYLOAD_EXCEEDED' }))
    scene.say(1, 2)
    await scene.settle()
    expect(scene.published).toEqual([2])
    expect(scene.link.givenUp).toBe(1)
  })

  it('connects again with growing, bounded, jittered waits', async () => {
    const scene = new Scene()
    scene.openFails = new Error('down')
    void scene.link.run()
    const waits: number[] = []
    for (let round = 0; round < 12; round++) {
      await scene.settle()
      const wait = scene.waits.shift()
      waits.push(wait?.ms ?? Number.NaN)
      wait?.end()
    }
    waits.forEach((ms, index) => {
      const ceiling = Math.min(5000, 100 * 2 ** index)
      expect(ms).toBeGreaterThanOrEqual(ceiling / 2)
      expect(ms).toBeLessThanOrEqual(ceiling)
    })
  })

  it('goes on with the new session when the old one ends in the middle of a row', async () => {
    const scene = await connected()
    scene.failures.push(new Error('DISCONNECT'))
    scene.say(1)
    await scene.settle()
    scene.end('connection lost')
    await scene.settle()
    expect(scene.link).toMatchObject({ state: 'disconnected', error: 'connection lost' })
    for (const wait of scene.waits.splice(0)) wait.end()
    await scene.settle()
    expect(scene.opened).toBe(2)
    expect(scene.published).toEqual([1])
  })

  it('looks for policies when it connects, at each hint, and when asked', async () => {
    const scene = await connected()
    scene.hint()
    scene.link.check()
    await scene.settle()
    expect(scene.syncs).toEqual(['check', 'hint', 'check'])
  })

  it('shows what the server forbids', async () => {
    const scene = await connected()
    scene.denied('the server forbids to publish atlas.ack.other')
    expect(scene.link.error).toContain('forbids')
  })
})
