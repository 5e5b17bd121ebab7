import { describe, expect, it } from 'vitest'
import { isDue, TrainingSchedule } from '../../../central/training/training-schedule.ts'
import type { TrainingCall } from '../../../central/training/training-state.ts'
import { AtlasError } from '../../../contract/errors.ts'

const DAY_MS = 86_400_000

function scene(everyDays: number) {
  const state = { nowMs: 100 * DAY_MS, firstMs: 99 * DAY_MS, away: false, running: false }
  const last = new Map<string, number>()
  const calls: TrainingCall[] = []
  const said: string[] = []
  const schedule = new TrainingSchedule({
    training: {
      get isRunning() {
        return state.running
      },
      start: (call) => {
        calls.push(call)
        return {} as never
      },
    },
    journal: {
      lastMs: async (pop = 'whole') => {
        if (state.away) throw new AtlasError('sync/unavailable', 'NATS is away')
        return last.get(pop) ?? null
      },
    },
    minutes: { firstStoredMs: async () => state.firstMs },
    everyDays,
    wallMs: () => state.nowMs,
    log: (event) => said.push(event),
  })
  return { schedule, state, last, calls, said }
}

describe('the schedule of trainings', () => {
  it('is due so many days after the last one, or after the first recorded minute; never without minutes, or at 0', () => {
    const due = (everyDays: number, lastMs: number | null, firstMs: number | null) =>
      isDue({ everyDays, lastMs, firstMs }, 100 * DAY_MS)
    expect(due(7, 93 * DAY_MS, 0)).toBe(true)
    expect(due(7, 93 * DAY_MS + 1, 0)).toBe(false)
    expect(due(7, null, 93 * DAY_MS)).toBe(true)
    expect(due(7, null, 94 * DAY_MS)).toBe(false)
    expect(due(7, null, null)).toBe(false)
    expect(due(0, null, 0)).toBe(false)
  })

  it('trains all PoPs when it is due, and not again at the next look should that have failed', async () => {
    const { schedule, state, calls } = scene(7)
    await schedule.look()
    expect(calls).toEqual([])
    state.nowMs += 6 * DAY_MS
    await schedule.look()
    expect(calls).toMatchObject([{ trigger: 'schedule', by: 'central', pops: null, global: false }])
    await schedule.look()
    expect(calls).toHaveLength(1)
    state.nowMs += 3_600_000
    await schedule.look()
    expect(calls).toHaveLength(2)
  })

  it('trains a PoP whose forecasts have drifted, once a day, also where no schedule is wanted', async () => {
    const { schedule, state, last, calls } = scene(0)
    schedule.drifted('fra1', 1.41)
    state.running = true
    await schedule.look()
    expect(calls).toEqual([])
    state.running = false
    await schedule.look()
    expect(calls).toMatchObject([{ trigger: 'drift', pops: ['fra1'], global: false }])
    expect(calls[0]?.reason).toContain('1.41 times')
    last.set('fra1', state.nowMs)
    state.nowMs += DAY_MS / 2
    schedule.drifted('fra1', 1.5)
    await schedule.look()
    expect(calls).toHaveLength(1)
    state.nowMs += DAY_MS
    schedule.drifted('fra1', 1.5)
    await schedule.look()
    expect(calls).toHaveLength(2)
  })

  it('forgets no drift while NATS is away, and says nothing of it', async () => {
    const { schedule, state, calls, said } = scene(0)
    schedule.drifted('fra1', 1.41)
    state.away = true
    await schedule.look()
    state.away = false
    await schedule.look()
    expect(calls).toHaveLength(1)
    expect(said).toEqual(['training begun'])
  })
})
