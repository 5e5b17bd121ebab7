import { describe, expect, it } from 'vitest'
import { type AlertMessage, type Draft, parseMessage } from '../../../contract/messages.ts'
import { type AlertMemory, Alerts } from '../../../edge/pop/alert/alerts.ts'
import { NO_CALLS } from '../../../edge/pop/alert/call-book.ts'
import type { ModuleCounts } from '../../../edge/pop/alert/tick-window.ts'
import { WindowBook } from '../../../edge/pop/alert/window-book.ts'
import { envelope } from '../../../edge/pop/envelope.ts'
import { START_MS, withPop } from './pop-rig.ts'

interface Tick {
  /** Score of all traffic's tick; null: nothing can be said. */
  readonly score: number | null
  readonly modules?: readonly ModuleCounts[]
  readonly feature?: string
}

const SHOP: readonly ModuleCounts[] = [
  { name: 'cart', requests: 40, failures: 0, p95Ms: 20 },
  { name: 'payment', requests: 20, failures: 0, p95Ms: 60 },
]
const FAILING = SHOP.map((counts) => (counts.name === 'payment' ? { ...counts, failures: 9 } : counts))
const times = (count: number, tick: Tick): Tick[] => new Array<Tick>(count).fill(tick)
const CALM: Tick = { score: 0.1 }

/** Alerts over the SQLite of an object, ticked once a second; with `restarts` they begin anew from their memory each tick. */
function scene(sql: SqlStorage, { restarts = false, tickMs = 1000 } = {}) {
  const told: AlertMessage[] = []
  let alerted = 0
  const make = (memory?: AlertMemory) =>
    new Alerts({ sql, nextId: () => `a${++alerted}`, say: (draft) => told.push(sent(draft)) }, memory)
  let alerts = make()
  let nowMs = START_MS
  return {
    told,
    get alerts() {
      return alerts
    },
    get nowMs() {
      return nowMs
    },
    run(ticks: readonly Tick[]) {
      for (const { score, modules = SHOP, feature = 'p99Z' } of ticks) {
        const fromMs = nowMs
        nowMs += tickMs
        const total = score === null ? null : { score, features: [feature] }
        alerts.tick({ fromMs, nowMs, view: { total, modules: [] }, modules })
        if (restarts) alerts = make(JSON.parse(JSON.stringify(alerts.memory())) as AlertMemory)
      }
    },
  }
}

/** What central makes of a message: refuses what is not one. */
function sent(draft: Draft): AlertMessage {
  const body = envelope('fra1', { seq: 1, draft: JSON.parse(JSON.stringify(draft)) as Draft }).body
  const message = parseMessage(body)
  if (message.kind !== 'alert') throw new Error(`not an alert: ${message.kind}`)
  return message
}

const within = (name: string, use: (sql: SqlStorage) => void) =>
  withPop(name, {}, async (_, state) => use(state.storage.sql))

const events = ({ told }: { told: readonly AlertMessage[] }) =>
  told.map(({ event, level }) => `${event} ${level}`)

describe('alerts', () => {
  it('are one an incident, however the score flickers, and one for the next incident, with an id of its own', () =>
    within('flicker', (sql) => {
      const seen = scene(sql)
      const flicker = Array.from({ length: 300 }, (_, tick): Tick => ({ score: tick % 7 === 0 ? 0.2 : 0.75 }))
      for (let incident = 0; incident < 2; incident++)
        seen.run([...times(60, CALM), ...times(40, { score: 0.8 }), ...flicker, ...times(200, CALM)])
      expect(events(seen)).toEqual(['opened alert', 'closed alert', 'opened alert', 'closed alert'])
      expect(seen.told.map(({ id }) => id)).toEqual(['a1', 'a1', 'a2', 'a2'])
      expect(seen.alerts.open).toBeNull()
    }))

  it('tell each level once, and at the end the highest score there was', () =>
    within('levels', (sql) => {
      const seen = scene(sql)
      const rise = [0.75, 0.86, 0.75, 0.87, 0.91, 0.75, 0.92, 0.97, 0.96].flatMap((score) =>
        times(40, { score }),
      )
      seen.run([...times(60, CALM), ...rise, ...times(200, CALM)])
      expect(events(seen)).toEqual([
        'opened alert',
        'escalated region',
        'escalated early-warning',
        'escalated cascade',
        'closed cascade',
      ])
      expect(seen.told.map(({ peak }) => peak)).toEqual([0.75, 0.86, 0.91, 0.97, 0.97])
    }))

  it('tell the features of the oddest tick since they opened', () =>
    within('oddest', (sql) => {
      const seen = scene(sql)
      seen.run([...times(60, CALM), ...times(31, { score: 0.8, feature: 'first' })])
      seen.run([{ score: 0.84, feature: 'oddest' }, { score: 0.8, feature: 'later' }, ...times(200, CALM)])
      expect(seen.told.map(({ features }) => features)).toEqual([['first'], ['oddest']])
    }))

  it('keep what they know over ticks of which nothing can be said', () =>
    within('unknown', (sql) => {
      const seen = scene(sql)
      seen.run([
        ...times(60, CALM),
        ...times(31, { score: 0.8, feature: 'first' }),
        ...times(20, { score: null }),
      ])
      expect(JSON.parse(JSON.stringify(seen.alerts.memory()))).toEqual(seen.alerts.memory())
      seen.run([
        ...times(5, { score: 0.75, feature: 'lower' }),
        { score: 0.9, feature: 'higher' },
        ...times(200, CALM),
      ])
      expect(seen.told.map(({ features, peak }) => [...features, peak])).toEqual([
        ['first', 0.8],
        ['higher', 0.9],
        ['higher', 0.9],
      ])
    }))

  it('do not lose a diagnosis at the end, when there is nobody left to blame', () =>
    within('diagnosis', (sql) => {
      const seen = scene(sql)
      seen.run([...times(120, CALM), ...times(40, { score: 0.8, modules: FAILING })])
      expect(seen.alerts.open?.suspect).toMatchObject({ module: 'payment', metric: 'availability' })
      seen.run(times(200, { score: 0.1, modules: [] }))
      expect(seen.told.map(({ event, suspects }) => [event, suspects?.[0]?.module])).toEqual([
        ['opened', 'payment'],
        ['closed', 'payment'],
      ])
    }))

  it('begin without the suspects of the alert before', () =>
    within('fresh', (sql) => {
      const seen = scene(sql)
      seen.run([...times(120, CALM), ...times(40, { score: 0.8, modules: FAILING }), ...times(200, CALM)])
      seen.run(times(40, { score: 0.8 }))
      expect(seen.told.at(-1)).toMatchObject({ event: 'opened', id: 'a2', suspects: null })
    }))

  it('take nothing for ordinary that was seen before anything could be judged', () =>
    within('warming', (sql) => {
      const seen = scene(sql)
      seen.run([...times(60, { score: null, modules: FAILING }), ...times(60, CALM)])
      seen.run(times(40, { score: 0.8, modules: FAILING }))
      expect(seen.told[0]?.suspects?.[0]?.module).toBe('payment')
    }))

  it('go on after restarts, at every tick, as if there had been none', async () => {
    const flicker = Array.from(
      { length: 60 },
      (_, tick): Tick => ({ score: tick % 5 === 0 ? null : 0.7 + tick / 300 }),
    )
    const course = [
      ...times(120, CALM),
      ...times(40, { score: 0.8, modules: FAILING }),
      ...flicker,
      ...times(200, CALM),
      ...times(33, { score: 0.9 }),
    ]
    const tell = async (name: string, restarts: boolean) => {
      let told: AlertMessage[] = []
      await within(name, (sql) => {
        const seen = scene(sql, { restarts })
        seen.run(course)
        told = seen.told
      })
      return told
    }
    const through = await tell('through', false)
    expect(through.length).toBeGreaterThan(3)
    expect(await tell('restarting', true)).toEqual(through)
  })

  it("hear a minute's verdict until the next must have come, also where a tick is a minute", () =>
    within('minutes', (sql) => {
      const seen = scene(sql, { tickMs: 60_000 })
      const signals = [{ module: 'cart', measure: 'latency', value: 900, usual: 90, surprise: 5 }] as const
      for (let minute = 0; minute < 2; minute++) {
        seen.alerts.minuteClosed({ score: 0.8, signals }, NO_CALLS, seen.nowMs + 60_000)
        seen.run([CALM])
      }
      expect(seen.told[0]).toMatchObject({ event: 'opened', signals: [{ module: 'cart' }] })
      seen.run(times(10, CALM))
      expect(events(seen)).toEqual(['opened alert', 'closed alert'])
    }))
})

describe('the book of windows', () => {
  const tickAt = (fromMs: number, isOdd = false) => ({ fromMs, toMs: fromMs + 1000, isOdd })
  const fill = (book: WindowBook, windows: number, fromMs: number, isOdd = false) => {
    for (let tick = 0; tick < 5 * windows; tick++) book.push(tickAt(fromMs + tick * 1000, isOdd), SHOP)
  }

  it('closes a window every five ticks and keeps 720', () =>
    within('book-keeps', (sql) => {
      const book = new WindowBook(sql, null)
      fill(book, 800, START_MS)
      expect(book.open).toBeNull()
      expect(book.around(START_MS + 1e9, { since: 1, ordinary: 10_000 })).toHaveLength(720)
      expect(sql.exec('SELECT COUNT(*) AS count FROM windows').one()).toEqual({ count: 720 })
    }))

  it('answers all since a moment and the last ordinary ones before, in order, with the one that is open', () =>
    within('book-around', (sql) => {
      const book = new WindowBook(sql, null)
      fill(book, 10, START_MS)
      fill(book, 10, START_MS + 50_000, true)
      fill(book, 10, START_MS + 100_000)
      book.push(tickAt(START_MS + 150_000), SHOP)
      const startsOf = (sinceMs: number, ordinary: number, since = 100) =>
        book.around(START_MS + sinceMs, { since, ordinary }).map(({ startMs }) => (startMs - START_MS) / 5000)
      expect(startsOf(137_000, 12)).toEqual([5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30])
      expect(startsOf(90_000, 2)).toEqual([8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30])
      expect(startsOf(92_000, 2, 3)).toEqual([8, 9, 18, 27, 28, 29, 30])
    }))

  it('takes times between milliseconds, as a trace at one and a half of its speed has them', () =>
    within('book-fraction', (sql) => {
      const book = new WindowBook(sql, null)
      for (let tick = 0; tick < 10; tick++) book.push(tickAt(START_MS + 0.5 + tick * 1500.5), SHOP)
      expect(book.around(START_MS, { since: 10, ordinary: 10 })).toHaveLength(2)
    }))

  it('drops what lies in the future when the clock has gone back', () =>
    within('book-back', (sql) => {
      const book = new WindowBook(sql, null)
      fill(book, 10, START_MS)
      fill(book, 2, START_MS - 60_000)
      expect(
        book.around(START_MS + 1e9, { since: 1, ordinary: 100 }).map(({ startMs }) => startMs - START_MS),
      ).toEqual([-60_000, -55_000])
    }))
})
