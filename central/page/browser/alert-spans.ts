import type { AlertLevel } from '../../../contract/alert.ts'
import type { Alert } from '../../ingest/alert-book.ts'
import { vector } from './dom.ts'

/** An alert on the axis of the chart; `toMs` is null where its end is not known. */
export interface AlertSpan {
  readonly level: AlertLevel
  readonly fromMs: number
  readonly toMs: number | null
  readonly isOpen: boolean
}

/** Alerts that a chart from `fromMs` to `nowMs` shows; an open one lasts until now. */
export function alertSpans(alerts: readonly Alert[], fromMs: number, nowMs: number): AlertSpan[] {
  return alerts
    .map(({ level, sinceMs, endMs, state }) => ({
      level,
      fromMs: sinceMs,
      toMs: state === 'open' ? nowMs : endMs,
      isOpen: state === 'open',
    }))
    .filter((span) => span.fromMs <= nowMs && (span.toMs ?? span.fromMs) >= fromMs)
}

/** The alert at a time, if any. */
export function spanAt(spans: readonly AlertSpan[], atMs: number): AlertSpan | null {
  return spans.find(({ fromMs, toMs }) => toMs !== null && atMs >= fromMs && atMs <= toMs) ?? null
}

interface Plot {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  readonly x: (atMs: number) => number
}

/** A tinted span from where an alert began to where it was over, with an edge and a flag at either end. */
export function alertMarks(spans: readonly AlertSpan[], plot: Plot): SVGElement[] {
  const { left, right, top, bottom } = plot
  const inside = (x: number) => x >= left && x <= right
  return spans.flatMap(({ fromMs, toMs, isOpen }) => {
    const from = plot.x(fromMs)
    const to = toMs === null ? from : plot.x(toMs)
    const start = Math.max(left, from)
    const width = Math.max(0, Math.min(right, to) - start)
    const edges = [from, ...(isOpen || toMs === null ? [] : [to])].filter(inside)
    return [
      vector('rect', { class: 'alert-span', x: start, y: top, width, height: bottom - top }),
      ...edges.map((x) => vector('line', { class: 'alert-edge', x1: x, x2: x, y1: top, y2: bottom })),
      ...(inside(from)
        ? [
            vector('polygon', {
              class: 'alert-flag',
              points: `${from},${top} ${from + 9},${top + 4.5} ${from},${top + 9}`,
            }),
          ]
        : []),
    ]
  })
}
