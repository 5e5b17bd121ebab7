import type { AlertMessage } from '../../contract/messages.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'
import { MEASURES } from './job.ts'

/** Time around an alert that belongs to its example: what came before it, and how it went on. */
const AROUND_MS = 60 * 60_000

/** A stretch of a series' time, milliseconds UTC. */
export interface Window {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The windows around a PoP's alerts that are over: from an hour before each began to an hour after its end. Those that touch are
 * one. An alert is told by several messages of one id; the last one counts.
 */
export function incidentWindows(messages: readonly AlertMessage[]): Window[] {
  const last = new Map(messages.map((message) => [message.id, message]))
  const windows = [...last.values()].flatMap(({ sinceMs, endMs }) =>
    endMs === null ? [] : [{ fromMs: sinceMs - AROUND_MS, toMs: endMs + AROUND_MS }],
  )
  const merged: Window[] = []
  for (const window of windows.sort((a, b) => a.fromMs - b.fromMs)) {
    const before = merged.at(-1)
    if (before === undefined || window.fromMs > before.toMs) merged.push(window)
    else merged[merged.length - 1] = { ...before, toMs: Math.max(before.toMs, window.toMs) }
  }
  return merged
}

/** The parts of a series in these windows, each a series of its own; those too short for one forecast window are left out. */
export function windowsOf(series: TrafficSeries, windows: readonly Window[]): TrafficSeries[] {
  const stepMs = series.stepS * 1000
  return windows.flatMap(({ fromMs, toMs }) => {
    const from = Math.max(0, Math.floor((fromMs - series.startMs) / stepMs))
    const to = Math.min(series.rps.length, Math.ceil((toMs - series.startMs) / stepMs))
    if (to - from <= LOOKBACK) return []
    const beside = MEASURES.flatMap((measure) => {
      const values = series[measure]
      return values === undefined ? [] : [[measure, values.slice(from, to)] as const]
    })
    return [
      {
        name: `${series.name} incident`,
        stepS: series.stepS,
        startMs: series.startMs + from * stepMs,
        rps: series.rps.slice(from, to),
        ...Object.fromEntries(beside),
      },
    ]
  })
}
