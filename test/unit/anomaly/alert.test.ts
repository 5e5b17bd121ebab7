import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../contract/ports.ts'
import { type AlertEvent, type AlertState, QUIET, stepAlert } from '../../../core-wasm/anomaly/alert.ts'

const SEED = 3

/** Steps through one score a tick, of a second if nothing else is said; what there was to tell, with the tick it was told. */
function events(scores: readonly number[], tickMs = 1000): (AlertEvent & { readonly second: number })[] {
  let state: AlertState = QUIET
  return scores.flatMap((score, second) => {
    const step = stepAlert(JSON.parse(JSON.stringify(state)) as AlertState, score, second * tickMs)
    state = step.state
    return step.event === null ? [] : [{ ...step.event, second }]
  })
}

const hold = (score: number, seconds: number): number[] => new Array<number>(seconds).fill(score)

describe('alerts', () => {
  it('open after 30 s at 0.7, not before', () => {
    expect(events([...hold(0.1, 10), ...hold(0.75, 30)])).toEqual([])
    expect(events([...hold(0.1, 10), ...hold(0.75, 31)])).toEqual([
      { kind: 'opened', sinceMs: 10_000, level: 'alert', score: 0.75, peak: 0.75, second: 40 },
    ])
  })

  it('open after a dozen ticks where a tick is so long that a few of them are half a minute', () => {
    for (const tickMs of [12_000, 60_000]) {
      expect(events([...hold(0.1, 10), ...hold(0.9, 11), ...hold(0.1, 10)], tickMs)).toEqual([])
      expect(events([...hold(0.1, 10), ...hold(0.9, 12)], tickMs)).toMatchObject([
        { kind: 'opened', sinceMs: 10 * tickMs, second: 21 },
      ])
    }
  })

  it('tell the highest score since it first passed 0.7, whenever that was', () => {
    const told = events([...hold(0.8, 5), 0.93, ...hold(0.72, 40), 0.9, ...hold(0.1, 200)])
    expect(told.map(({ kind, peak }) => [kind, peak])).toEqual([
      ['opened', 0.93],
      ['escalated', 0.93],
      ['closed', 0.93],
    ])
  })

  it('do not open for a score that falls back within the 30 s', () => {
    expect(events([...hold(0.9, 29), 0.6, ...hold(0.9, 29), ...hold(0.1, 300)])).toEqual([])
  })

  it('close once, after 120 s below 0.5, with the time things calmed down', () => {
    const told = events([...hold(0.8, 60), ...hold(0.2, 200)])
    expect(told.map(({ kind }) => kind)).toEqual(['opened', 'closed'])
    expect(told[1]).toMatchObject({ endMs: 60_000, peak: 0.8, second: 180 })
  })

  it('close although a few ticks are odd, as some of ordinary traffic are, but not while an incident comes and goes', () => {
    const odd = (every: number, ticks: number) =>
      Array.from({ length: 600 }, (_, second) => (second % every < ticks ? 0.95 : 0.1))
    const ordinary = events([...hold(0.8, 60), ...hold(0.1, 30), ...odd(60, 3)])
    expect(ordinary.at(-1)).toMatchObject({ kind: 'closed', endMs: 60_000, second: 180 })
    expect(events([...hold(0.8, 60), ...odd(20, 10)]).map(({ kind }) => kind)).not.toContain('closed')
  })

  it('are one an incident, however the score flickers', () => {
    const random = seededRandom(SEED)
    const storm = Array.from({ length: 3600 }, () => 0.45 + 0.3 * random.next())
    const told = events([...hold(0.75, 40), ...storm, ...hold(0.1, 300)])
    expect(told.filter(({ kind }) => kind === 'opened')).toHaveLength(1)
    expect(told.filter(({ kind }) => kind === 'closed')).toHaveLength(1)
  })

  it('rise through region, early warning and cascade, each told once, and never fall back within an incident', () => {
    const told = events([...hold(0.75, 40), 0.86, 0.8, 0.86, 0.91, 0.96, 0.7, 0.99, ...hold(0.1, 200)])
    expect(told.map((event) => `${event.kind} ${event.level}`)).toEqual([
      'opened alert',
      'escalated region',
      'escalated early-warning',
      'escalated cascade',
      'closed cascade',
    ])
  })

  it('open at the level that is reached by then', () => {
    expect(events(hold(0.97, 31))[0]).toMatchObject({ kind: 'opened', level: 'cascade' })
  })

  it('open again for a later incident', () => {
    const incident = [...hold(0.8, 60), ...hold(0.1, 200)]
    expect(events([...incident, ...incident]).map(({ kind }) => kind)).toEqual([
      'opened',
      'closed',
      'opened',
      'closed',
    ])
  })

  it('neither open nor close on a score that is not known', () => {
    expect(events([...hold(Number.NaN, 100)])).toEqual([])
    expect(events([...hold(0.8, 40), ...hold(Number.NaN, 300)]).map(({ kind }) => kind)).toEqual(['opened'])
  })

  it('open and close within their times when the clock is set back by an hour in between', () => {
    const HOUR = 3_600_000
    const told: (AlertEvent & { readonly atMs: number })[] = []
    let state: AlertState = QUIET
    const feed = (score: number, fromMs: number, seconds: number) => {
      for (let atMs = fromMs; atMs < fromMs + seconds * 1000; atMs += 1000) {
        const step = stepAlert(state, score, atMs)
        state = step.state
        if (step.event !== null) told.push({ ...step.event, atMs })
      }
    }
    feed(0.8, HOUR, 20)
    feed(0.8, 0, 40)
    expect(told).toMatchObject([{ kind: 'opened', sinceMs: 0, atMs: 30_000 }])
    feed(0.1, HOUR, 60)
    feed(0.1, 100_000, 130)
    expect(told[1]).toMatchObject({ kind: 'closed', endMs: 100_000, atMs: 220_000 })
  })
})
