import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Draft } from '../../../contract/messages.ts'
import { Outbox } from '../../../edge/pop/outbox.ts'
import type { PopObject } from '../../../edge/pop/pop.object.ts'
import { migrate } from '../../../edge/pop/schema.ts'

const namespace = (env as unknown as { POP: DurableObjectNamespace<PopObject> }).POP

function withSql(name: string, use: (storage: DurableObjectStorage) => void): Promise<void> {
  const stub = namespace.get(namespace.idFromName(`outbox-${name}`))
  return runInDurableObject(stub, (_, state) => {
    migrate(state.storage)
    use(state.storage)
  })
}

function draft(kind: 'second' | 'minute' | 'ack' | 'decision', atMs: number): Draft {
  return { kind, atMs } as unknown as Draft
}

describe('Outbox', () => {
  it('numbers from the wall clock on, never twice, though rows go and the object restarts', async () => {
    await withSql('numbers', ({ sql }) => {
      const first = new Outbox(sql, 1000)
      first.add(draft('second', 1))
      first.add(draft('second', 2))
      const seqs = first.peek(9).map(({ seq }) => seq)
      expect(seqs).toEqual([1001, 1002])
      for (const seq of seqs) first.remove(seq)
      const second = new Outbox(sql, 5000)
      expect(second.rows).toBe(0)
      second.add(draft('ack', 3))
      expect(second.peek(9)).toEqual([{ seq: 1003, draft: draft('ack', 3) }])
    })
  })

  it('drops the oldest telemetry first when it is full, counts it, and keeps acks and decisions', async () => {
    await withSql('bounds', ({ sql }) => {
      const outbox = new Outbox(sql, 0, { maxRows: 10, maxBytes: 1e6 })
      outbox.add(draft('ack', 0))
      outbox.add(draft('decision', 0))
      for (let at = 1; at <= 30; at++) outbox.add(draft('second', at))
      const rows = outbox.peek(99).map((row) => `${row.draft.kind}${row.draft.atMs}`)
      expect(rows.slice(0, 3)).toEqual(['ack0', 'decision0', 'second23'])
      expect(outbox.rows).toBe(10)
      expect(outbox.dropped).toBe(22)
    })
  })

  it('lets minutes go before acks, and acks before decisions', async () => {
    await withSql('last', ({ sql }) => {
      const outbox = new Outbox(sql, 0, { maxRows: 4, maxBytes: 1e6 })
      for (const kind of ['decision', 'minute', 'ack', 'decision', 'decision', 'decision'] as const)
        outbox.add(draft(kind, 0))
      expect(outbox.peek(9).map((row) => row.draft.kind)).toEqual(Array(4).fill('decision'))
    })
  })

  it('is bounded in bytes too', async () => {
    await withSql('bytes', ({ sql }) => {
      const outbox = new Outbox(sql, 0, { maxRows: 1000, maxBytes: 300 })
      for (let at = 0; at < 50; at++) outbox.add(draft('second', at))
      const bytes = sql.exec<{ sum: number }>('SELECT SUM(bytes) AS sum FROM outbox').one().sum
      expect(bytes).toBeLessThanOrEqual(300)
      expect(outbox.rows + outbox.dropped).toBe(50)
    })
  })
})
