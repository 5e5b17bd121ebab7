import type { Forecast, MinuteMessage, Quantiles, SecondMessage } from '../../../contract/messages.ts'
import type { Alert } from '../../ingest/alert-book.ts'
import type { RatePoint } from '../../ingest/view.ts'
import { type AlertSpan, alertSpans } from './alert-spans.ts'

export type Horizon = 'in5' | 'in15' | 'in60'
const HORIZON_MS: Readonly<Record<Horizon, number>> = { in5: 300_000, in15: 900_000, in60: 3_600_000 }

/** A forecast at the time it is for, not the time it was made at. */
export interface ForecastPoint extends Quantiles {
  readonly atMs: number
  readonly madeAtMs: number
}

export interface ChartData {
  readonly fromMs: number
  readonly nowMs: number
  readonly toMs: number
  readonly actual: readonly RatePoint[]
  readonly forecast: readonly ForecastPoint[]
  readonly alerts: readonly AlertSpan[]
}

export interface ChartSource {
  readonly second: SecondMessage | null
  readonly seconds: readonly RatePoint[]
  readonly minutes: readonly MinuteMessage[]
  readonly alerts: readonly Alert[]
}

const MINUTE_MS = 60_000
const LEAST_SPAN_MS = 2 * MINUTE_MS
const MOST_SPAN_MS = 360 * MINUTE_MS
const MOST_POINTS = 400

/** What the chart shows of a PoP: measured points up to now, and forecasts where they were for, up to the horizon ahead. */
export function chartData(source: ChartSource, horizon: Horizon, span: number | 'auto'): ChartData {
  const measured = actualPoints(source)
  const nowMs = source.second?.atMs ?? measured.at(-1)?.atMs ?? 0
  const spanMs = span === 'auto' ? fittingSpan(nowMs - (measured[0]?.atMs ?? nowMs)) : span * MINUTE_MS
  const fromMs = nowMs - spanMs
  const forecast = forecastPoints(source, horizon).filter((point) => point.atMs >= fromMs)
  const aheadMs = forecast.length > 0 ? HORIZON_MS[horizon] : 0
  const visible = measured.filter((point) => point.atMs >= fromMs)
  return {
    fromMs,
    nowMs,
    toMs: nowMs + aheadMs,
    actual: thin(visible, MOST_POINTS),
    forecast,
    alerts: alertSpans(source.alerts, fromMs, nowMs),
  }
}

/** Minutes for the far past, seconds for the near one. */
function actualPoints({ seconds, minutes }: ChartSource): RatePoint[] {
  const near = seconds[0]?.atMs ?? Number.POSITIVE_INFINITY
  const far = minutes
    .map((minute) => ({ atMs: minute.minuteStartMs + MINUTE_MS / 2, rps: minute.rps }))
    .filter((point) => point.atMs < near)
  return [...far, ...seconds]
}

function forecastPoints({ second, minutes }: ChartSource, horizon: Horizon): ForecastPoint[] {
  const latest = second?.forecaster.kind === 'ready' ? second.forecaster.forecast : null
  const byTime = new Map<number, Forecast>()
  for (const { forecast } of minutes) if (forecast) byTime.set(forecast.madeAtMs, forecast)
  if (latest) byTime.set(latest.madeAtMs, latest)
  return [...byTime.values()]
    .sort((a, b) => a.madeAtMs - b.madeAtMs)
    .map((forecast) => ({
      ...forecast[horizon],
      madeAtMs: forecast.madeAtMs,
      atMs: forecast.madeAtMs + HORIZON_MS[horizon],
    }))
}

function fittingSpan(dataMs: number): number {
  return Math.min(MOST_SPAN_MS, Math.max(LEAST_SPAN_MS, dataMs))
}

/** At most `most` points: means over equal counts, so that no spike's area is lost. */
export function thin(points: readonly RatePoint[], most: number): RatePoint[] {
  if (points.length <= most) return [...points]
  const size = Math.ceil(points.length / most)
  const thinned: RatePoint[] = []
  for (let start = 0; start < points.length; start += size) {
    const group = points.slice(start, start + size)
    const sum = group.reduce((total, point) => ({
      atMs: total.atMs + point.atMs,
      rps: total.rps + point.rps,
    }))
    thinned.push({ atMs: sum.atMs / group.length, rps: sum.rps / group.length })
  }
  return thinned
}

const LEAST_GAP_MS = 150_000

/** Cuts points where nothing was measured for a while, so that no line is drawn over a silence. */
export function unbroken<T extends { readonly atMs: number }>(points: readonly T[]): T[][] {
  const steps = points.slice(1).map((point, index) => point.atMs - (points[index]?.atMs ?? 0))
  const median = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0
  const gapMs = Math.max(4 * median, LEAST_GAP_MS)
  const runs: T[][] = []
  points.forEach((point, index) => {
    const run = runs.at(-1)
    if (run && (steps[index - 1] ?? 0) <= gapMs) run.push(point)
    else runs.push([point])
  })
  return runs
}

/** Round values from 0 that cover `most`: steps of 1, 2 or 5 times a power of ten. */
export function rateTicks(most: number, count = 5): number[] {
  const rough = Math.max(most, 1) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, index) => index * step)
}

const TIME_STEPS_S = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]

/** Round times between two others, about `count` of them. */
export function timeTicks(fromMs: number, toMs: number, count: number): number[] {
  const roughS = (toMs - fromMs) / 1000 / Math.max(1, count)
  const stepMs = (TIME_STEPS_S.find((seconds) => seconds >= roughS) ?? 7200) * 1000
  const ticks: number[] = []
  for (let at = Math.ceil(fromMs / stepMs) * stepMs; at <= toMs; at += stepMs) ticks.push(at)
  return ticks
}

/** The point nearest to a time, if it is within reach. Points are in order of time. */
export function nearest<T extends { readonly atMs: number }>(
  points: readonly T[],
  atMs: number,
  reachMs: number,
): T | null {
  let best: T | null = null
  for (const point of points) {
    const away = Math.abs(point.atMs - atMs)
    if (away <= reachMs && (best === null || away < Math.abs(best.atMs - atMs))) best = point
  }
  return best
}
