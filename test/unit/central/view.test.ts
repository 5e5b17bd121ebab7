import { describe, expect, it } from 'vitest'
import { Ingest } from '../../../central/ingest/ingest.ts'
import { KEEP_ACKS, KEEP_SECONDS, View } from '../../../central/ingest/view.ts'
import { rolloutOf } from '../../../central/policy/rollout.ts'
import { seededRandom } from '../../../contract/ports.ts'
import { ack, decision, minute, second } from './messages.ts'

describe('View', () => {
  it('comes to the same picture however often messages are repeated along the way', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed)
      const messages = Array.from({ length: 60 }, (_, index) => second('fra1', index + 1))
      const once = new View()
      const noisy = new View()
      messages.forEach((message, index) => {
        once.apply(message, 1)
        noisy.apply(message, 1)
        const again = messages[Math.floor(random.next() * (index + 1))]
        if (again && random.next() < 0.5) expect(noisy.apply(again, 1)).toBe('repeated')
      })
      expect(noisy.pop('fra1'), `seed ${seed}`).toEqual(once.pop('fra1'))
    }
  })

  it('takes up a PoP whose storage was lost: lower numbers at later times are no repeats', () => {
    const view = new View()
    view.apply(second('fra1', 500, { atMs: 10_000 }), 1)
    expect(view.apply(second('fra1', 1, { atMs: 11_000 }), 2)).toBe('applied')
    expect(view.apply(second('fra1', 1, { atMs: 11_000 }), 2)).toBe('repeated')
    expect(view.pop('fra1')?.second?.seq).toBe(1)
  })

  it('drops later points when trace time runs backwards, so that one axis shows one trace', () => {
    const view = new View()
    view.apply(second('fra1', 1, { atMs: 1_000 }), 1)
    view.apply(second('fra1', 2, { atMs: 90_000 }), 1)
    view.apply(minute('fra1', 3, { minuteStartMs: 60_000 }), 1)
    view.apply(second('fra1', 4, { atMs: 2_000 }), 1)
    expect(view.pop('fra1')?.seconds.map(({ atMs }) => atMs)).toEqual([1_000, 2_000])
    expect(view.pop('fra1')?.minutes).toEqual([])
  })

  it('keeps numbers of one kind apart from those of another', () => {
    const view = new View()
    view.apply(second('fra1', 9), 1)
    expect(view.apply(ack('fra1', 3), 1)).toBe('applied')
    expect(view.apply(ack('fra1', 3, { policy: 'other' }), 1)).toBe('applied')
  })

  it('holds a bounded number of points', () => {
    const view = new View()
    for (let seq = 1; seq <= KEEP_SECONDS + 50; seq++) view.apply(second('fra1', seq), 1)
    expect(view.pop('fra1')?.seconds).toHaveLength(KEEP_SECONDS)
  })

  it('holds the acknowledgements of a bounded number of policies', () => {
    const view = new View()
    for (let seq = 1; seq <= 100; seq++) view.apply(ack('fra1', seq, { policy: `p${seq}` }), 1)
    expect(view.pop('fra1')?.acks.size).toBe(KEEP_ACKS)
    expect(view.pop('fra1')?.acks.has('p100')).toBe(true)
  })

  it('lets no PoP replace the decision of another by using its id', () => {
    const view = new View()
    view.apply(decision('fra1', 1, { id: 'same' }), 1)
    view.apply(decision('ams2', 1, { id: 'same' }), 1)
    expect(view.decision('same', 'fra1')?.pop).toBe('fra1')
    expect(view.decisions(10)).toHaveLength(2)
  })
})

describe('Ingest.take', () => {
  it('never throws, counts what it refuses, and says each reason once', () => {
    const said: string[] = []
    const ingest = new Ingest({
      view: new View(),
      wallMs: () => 0,
      onMessage: () => undefined,
      onRefused: (subject, reason) => said.push(`${subject}: ${reason}`),
    })
    const send = (subject: string, text: string) => ingest.take(subject, new TextEncoder().encode(text), 0)
    for (const text of ['', 'null', '[]', '{"v":2}', '{"v":1,"kind":"second"}', '\u0000']) {
      send('atlas.telemetry.fra1.second', text)
      send('atlas.telemetry.fra1.second', text)
    }
    send('atlas.telemetry.ams2.second', JSON.stringify(second('fra1', 1)))
    send('atlas.telemetry.fra1.minute', JSON.stringify(second('fra1', 1)))
    send('atlas.ack.fra1.other', JSON.stringify(ack('fra1', 1)))
    send('atlas.telemetry.fra1.second', ' '.repeat(70_000))
    send('atlas.telemetry.ams2.second', JSON.stringify(second('fra1', 1)))
    expect(ingest.counts).toMatchObject({ refused: 17, applied: 0 })
    expect(new Set(said).size).toBe(said.length)
    expect(said).toContain('atlas.telemetry.ams2.second: it says it is of PoP "fra1"')
  })
})

describe('rolloutOf', () => {
  it('tells applied, behind, rejected and unknown apart, and who is stale', () => {
    const view = new View()
    const running = (pop: string, version: number, receivedAtMs = 10_000) =>
      view.apply(second(pop, 1, { policy: { name: 'default', version } }), receivedAtMs)
    running('applied', 3)
    running('behind', 2, 1_000)
    running('rejecting', 2)
    view.apply(ack('rejecting', 1, { version: 3, outcome: 'rejected', reason: 'why' }), 10_000)
    view.apply(second('elsewhere', 1, { policy: { name: 'other', version: 1 } }), 10_000)
    const states = rolloutOf('default', 3, view.pops(), 10_000, 5_000)
    expect(states.map(({ pop, state, running: at, stale }) => [pop, state, at, stale])).toEqual([
      ['applied', 'applied', 3, false],
      ['behind', 'behind', 2, true],
      ['rejecting', 'rejected', 2, false],
    ])
  })
})
