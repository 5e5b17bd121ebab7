import { describe, expect, it } from 'vitest'
import { View } from '../../../central/ingest/view.ts'
import { Broadcast, Mailbox } from '../../../central/server/broadcast.ts'
import { loadConfig } from '../../../central/server/config.ts'
import { createLog } from '../../../central/server/log.ts'
import { metricsText } from '../../../central/server/metrics.ts'
import { problemOf } from '../../../central/server/problem.ts'
import { second } from './messages.ts'

describe('metricsText', () => {
  it('escapes label values: what a PoP says makes no sample of its own', () => {
    const view = new View()
    const name = 'a"} 1\natlas_pop_rps{pop="forged'
    view.apply(second('fra1', 1, { policy: { name, version: 2 }, outbox: { rows: 7, dropped: 1 } }), 1_000)
    const text = metricsText({
      view,
      ingest: { counts: { applied: 1, repeated: 2, refused: 3, cursors: {} } },
      counters: { pushes: 0, pushesRefused: 0, authFailures: 0, auditLost: 0 },
      broadcast: new Broadcast(),
      link: () => ({ state: 'disconnected', error: 'x', sinceMs: 0 }),
      wallMs: () => 4_500,
      staleMs: 1,
      store: undefined as never,
    } as unknown as Parameters<typeof metricsText>[0])
    const sample =
      /^(?:#.*|[a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? -?[0-9.]+)$/
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(sample)
    expect(text).toContain('atlas_pop_stale_seconds{pop="fra1"} 3.5\n')
    expect(text).toContain('atlas_pop_outbox_rows{pop="fra1"} 7\n')
    expect(text).toContain('atlas_pop_mode{pop="fra1",mode="TIGHT"} 1\n')
    expect(text).toContain('atlas_nats_connected 0\n')
  })
})

describe('Mailbox', () => {
  it('hands out events in order, with only the newest of those that replace each other', async () => {
    const mailbox = new Mailbox()
    mailbox.push({ event: 'second', data: 1, replaces: 'a' })
    mailbox.push({ event: 'decision', data: 2 })
    mailbox.push({ event: 'second', data: 3, replaces: 'a' })
    expect((await mailbox.take(0))?.map(({ data }) => data)).toEqual([2, 3])
  })

  it('wakes a waiting listener, and closes one that is far behind', async () => {
    const mailbox = new Mailbox()
    const waiting = mailbox.take(60_000)
    mailbox.push({ event: 'e', data: 1 })
    expect(await waiting).toHaveLength(1)
    for (let index = 0; index < 3_000; index++) mailbox.push({ event: 'e', data: index })
    expect(await mailbox.take(0)).toBeNull()
  })
})

describe('Broadcast', () => {
  it('takes so many listeners, and so many of one client', () => {
    const broadcast = new Broadcast({ listeners: 3, perClient: 2 })
    const first = broadcast.open('a')
    expect([broadcast.open('a'), broadcast.open('a')]).toEqual([expect.any(Mailbox), 'client'])
    expect([broadcast.open('b'), broadcast.open('b')]).toEqual([expect.any(Mailbox), 'all'])
    if (first instanceof Mailbox) broadcast.drop(first)
    expect(broadcast.open('a')).toBeInstanceOf(Mailbox)
  })

  it('gives up who reads no more, and keeps who waits for news, however long there are none', async () => {
    let nowMs = 0
    const lost: string[] = []
    const broadcast = new Broadcast({ listeners: 2, perClient: 2 }, () => nowMs)
    const waiting = broadcast.open('waits', () => lost.push('waits'))
    const stuck = broadcast.open('stuck', () => lost.push('stuck'))
    if (!(waiting instanceof Mailbox && stuck instanceof Mailbox)) return expect.fail('not taken')
    const news = waiting.take(60_000)
    nowMs = 29_999
    expect(broadcast.open('c')).toBe('all')
    nowMs = 30_000
    expect(broadcast.open('c')).toBeInstanceOf(Mailbox)
    expect(lost).toEqual(['stuck'])
    broadcast.send({ event: 'e', data: 1 })
    expect(await news).toHaveLength(1)
    expect(await stuck.take(0)).toBeNull()
  })
})

describe('log and problems', () => {
  it('keeps a line one line, whatever a PoP wrote', () => {
    const lines: string[] = []
    createLog((line) => lines.push(line))('refused', { reason: 'a\ncentral: forged' })
    expect(lines).toEqual(['central: refused reason="a\\ncentral: forged"\n'])
  })

  it('tells nothing of a bug to the caller', () => {
    expect(JSON.stringify(problemOf(new TypeError('secret inside')))).not.toContain('secret')
  })
})

describe('loadConfig', () => {
  it('names the variable that is missing or wrong', async () => {
    await expect(loadConfig({})).rejects.toThrow(/ATLAS_CENTRAL_TOKENS_FILE is not set/)
    const file = '/nonexistent/file'
    await expect(
      loadConfig({ ATLAS_CENTRAL_TOKENS_FILE: file, ATLAS_CENTRAL_SIGNING_KEY_FILE: file }),
    ).rejects.toThrow(/ATLAS_CENTRAL_SIGNING_KEY_FILE cannot be read/)
  })

  it('opens reads on loopback alone', async () => {
    await expect(loadConfig({ ATLAS_CENTRAL_HOST: '0.0.0.0', ATLAS_CENTRAL_OPEN_READ: '1' })).rejects.toThrow(
      /loopback only/,
    )
  })
})
