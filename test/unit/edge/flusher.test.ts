import { describe, expect, it, vi } from 'vitest'
import type { Aggregate } from '../../../contract/aggregate.ts'
import type { FlushAnswer, FlushReport } from '../../../edge/control/stubs.ts'
import { Flusher } from '../../../edge/pipeline/flusher.ts'
import { FakeTime } from './fake-time.ts'

function aggregate(requests: number): Aggregate {
  const module = {
    module: 0,
    requests,
    errors4xx: 0,
    errors5xx: 0,
    unreachable: 0,
    shed: 0,
    bytesOut: 0,
    latency: new Uint8Array(),
  }
  return { bucketStartMs: 0, modules: [module] }
}

function rig() {
  const time = new FakeTime()
  const state = { waiting: 0, reports: [] as FlushReport[], adopted: 0, failures: 0, faults: 0 }
  let answer: () => Promise<FlushAnswer> = async () => ({ table: null, othersUse: [] })
  const flusher = new Flusher({
    isolate: 'i1',
    tickMs: 1000,
    ...time,
    wallMs: time.wallMs,
    sleep: time.sleep,
    busy: () => state.waiting > 0,
    drain: () => {
      const aggregates = state.waiting > 0 ? [aggregate(state.waiting)] : []
      state.waiting = 0
      return { aggregates, dropped: 0 }
    },
    takeUse: async () => [],
    returnUse: () => {},
    applyUse: () => {},
    tableVersion: () => 0,
    adopt: () => {
      state.adopted++
    },
    takeFaults: () => {
      const faults = state.faults
      state.faults = 0
      return faults
    },
    onFailure: () => {
      state.failures++
    },
  })
  const stub = {
    flush: (report: FlushReport) => {
      state.reports.push(structuredClone(report))
      return answer()
    },
    status: () => Promise.reject(new Error('not asked')),
  }
  return {
    time,
    state,
    flusher,
    request() {
      state.waiting++
      if (flusher.due(time.now)) flusher.start(stub, 'local', time.now)
    },
    answerWith(next: () => Promise<FlushAnswer>) {
      answer = next
    },
  }
}

const told = (reports: readonly FlushReport[]): number =>
  reports
    .flatMap((report) => report.aggregates.flatMap((one) => one.modules.map(({ requests }) => requests)))
    .reduce((sum, count) => sum + count, 0)

describe('Flusher', () => {
  it('flushes at once for the first request, then once a tick, one at a time', async () => {
    const { time, state, request } = rig()
    for (let turn = 0; turn < 100; turn++) {
      request()
      await time.advance(50)
    }
    await time.advance(2000)
    expect(state.reports.length).toBeGreaterThanOrEqual(5)
    expect(state.reports.length).toBeLessThanOrEqual(8)
    expect(told(state.reports)).toBe(100)
  })

  it('tells of the last request without another to follow it', async () => {
    const { time, state, request } = rig()
    request()
    await time.advance(10)
    request()
    await time.advance(1500)
    expect(told(state.reports)).toBe(2)
  })

  it('keeps telemetry and faults through failures, and gives them to the next answer', async () => {
    const { time, state, request, answerWith } = rig()
    answerWith(() => Promise.reject(new Error('gone')))
    state.faults = 3
    for (let turn = 0; turn < 60; turn++) {
      request()
      await time.advance(100)
    }
    expect(state.failures).toBeGreaterThanOrEqual(5)
    answerWith(async () => ({ table: null, othersUse: [] }))
    const before = state.reports.length
    request()
    await time.advance(2500)
    expect(told(state.reports.slice(before))).toBe(61)
    expect(state.reports.slice(before).reduce((sum, report) => sum + report.internalErrors, 0)).toBe(3)
  })

  it('bounds what it keeps, and says how much it lost', async () => {
    const { time, state, request, answerWith } = rig()
    answerWith(() => Promise.reject(new Error('gone')))
    for (let turn = 0; turn < 260; turn++) {
      request()
      await time.advance(1000)
    }
    answerWith(async () => ({ table: null, othersUse: [] }))
    const before = state.reports.length
    request()
    await time.advance(3000)
    const after = state.reports.slice(before)
    expect(Math.max(...after.map((report) => report.aggregates.length))).toBeLessThanOrEqual(200)
    expect(told(after) + after.reduce((sum, report) => sum + report.tapDropped, 0)).toBe(261)
  })

  it('goes on when an answer hangs', async () => {
    vi.useFakeTimers()
    const { time, state, request, answerWith } = rig()
    answerWith(() => new Promise(() => {}))
    request()
    await time.advance(10)
    await vi.advanceTimersByTimeAsync(5000)
    expect(state.failures).toBe(1)
    vi.useRealTimers()
  })

  it('goes on flushing when the clock is set back by an hour', async () => {
    const { time, state, request } = rig()
    request()
    await time.advance(1500)
    time.now -= 3_600_000
    const before = state.reports.length
    for (let turn = 0; turn < 50; turn++) {
      request()
      await time.advance(200)
    }
    expect(state.reports.length - before).toBeGreaterThanOrEqual(7)
  })
})
