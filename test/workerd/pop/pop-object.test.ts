import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { FlushReport, PopStub } from '../../../edge/control/stubs.ts'
import type { PopObject } from '../../../edge/pop/pop.object.ts'

const namespace = (env as unknown as { POP: DurableObjectNamespace<PopObject> }).POP

function open(pop: string): { stub: DurableObjectStub<PopObject>; rpc: PopStub } {
  const stub = namespace.get(namespace.idFromName(pop))
  return { stub, rpc: stub as unknown as PopStub }
}

function report(pop: string, part: Partial<FlushReport> = {}): FlushReport {
  return {
    pop,
    isolate: 'i1',
    tableVersion: 0,
    aggregates: [],
    limitUse: [],
    internalErrors: 0,
    tapDropped: 0,
    ...part,
  }
}

describe('PopObject', () => {
  it('hands out its table to an isolate that has another, and none to one that has it', async () => {
    const { rpc } = open('handout')
    const first = await rpc.flush(report('handout'))
    expect(first.table).toMatchObject({ version: 1, policyVersion: 0, mode: 'TIGHT', vector: 0 })
    const again = await rpc.flush(report('handout', { tableVersion: first.table?.version ?? -1 }))
    expect(again.table).toBeNull()
  })

  it('ticks by alarm, and resumes name, table and counters after eviction', async () => {
    const { stub, rpc } = open('ticking')
    const { table } = await rpc.flush(report('ticking', { internalErrors: 2 }))
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    const before = await rpc.status('ticking')
    expect(before).toMatchObject({ pop: 'ticking', ticks: 1, tickErrors: 0, isolates: 1, internalErrors: 2 })
    expect(before.second).toMatchObject({ mode: 'TIGHT', forecaster: { kind: 'warming', of: 60 } })
    await evictDurableObject(stub)
    const after = await rpc.status('ticking')
    expect(after).toMatchObject({ pop: 'ticking', internalErrors: 2 })
    expect(after.ticks).toBeGreaterThanOrEqual(1)
    expect((await rpc.flush(report('ticking'))).table).toEqual(table)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
  })

  it('refuses a name that is not a token', async () => {
    const refusal = await runInDurableObject(open('nameless').stub, (pop) =>
      pop.status('no such name').then(
        () => 'none',
        (thrown) => String(thrown),
      ),
    )
    expect(refusal).toContain('token')
  })
})
