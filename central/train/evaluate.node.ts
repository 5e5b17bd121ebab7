import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import type { HorizonError, TraceError } from '../../contract/model/manifest.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS } from '../../contract/model/series-forecaster.ts'
import { FIT_SHARE, type Trace } from './traces.node.ts'
import { historyAt, type TrafficSeries } from './traffic-series.ts'

/** Published baselines: trace, horizon, method → WAPE in %. */
export type Baselines = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>

export const PROTOCOL =
  'First 70 % of a trace may fit, last 30 % tests. Rolling origin, stride one sample: at each origin of the test part the single sample at the horizon is predicted from samples up to the origin. An origin counts only if its 60 lags, its target and the sample one day before the target are observed. Zero-shot: the shipped model as it is. WAPE = sum |error| / sum |actual|, in %.'

const CHUNK = 1024

/** Whatever answers windows, OUTPUT_SIZE numbers each, in order. */
export interface WindowModel {
  run(windows: readonly Float32Array[]): Promise<ArrayLike<number>>
}

/** Reads the WAPE of every method of `forecast-baselines.json`; empty where the file is missing. */
export function readBaselines(folder: string): Baselines {
  const file = join(folder, 'forecast-baselines.json')
  if (!existsSync(file)) return {}
  const { traces } = JSON.parse(readFileSync(file, 'utf8')) as {
    traces: Record<string, { horizons: Record<string, { methods: Record<string, { wape: number }> }> }>
  }
  const mapped = <A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
  return mapped(traces, ({ horizons }) =>
    mapped(horizons, ({ methods }) => mapped(methods, ({ wape }) => wape)),
  )
}

/** Measures a forecaster on the test part of a trace, by the protocol, at every horizon that the trace's step allows. */
export async function evaluateTrace(
  model: WindowModel,
  trace: Trace,
  seen: TraceError['seen'],
  baselines: Baselines = {},
): Promise<TraceError> {
  const { series } = trace
  const horizons: Record<string, HorizonError> = {}
  const scores = HORIZONS.filter(({ minutes }) => (minutes * 60) % series.stepS === 0).map(
    ({ minutes, key }) => ({ minutes, key, score: new Score(series, (minutes * 60) / series.stepS) }),
  )
  const origins = Array.from({ length: series.rps.length }, (_, origin) => origin).filter((origin) =>
    scores.some(({ score }) => score.counts(origin)),
  )
  for (let from = 0; from < origins.length; from += CHUNK) {
    const part = origins.slice(from, from + CHUNK)
    const windows = part.map((origin) => windowFeatures(historyAt(series, origin)))
    const output = await model.run(windows.map(({ features }) => features))
    part.forEach((origin, index) => {
      const forecast = readForecast(output, windows[index]?.level ?? 0, index)
      for (const { key, score } of scores) if (score.counts(origin)) score.add(origin, forecast[key])
    })
  }
  for (const { minutes, score } of scores)
    horizons[minutes] = score.result(baselines[trace.name]?.[minutes] ?? {})
  return { trace: trace.name, seen, stepS: series.stepS, horizons }
}

/** Errors at one horizon, beside those of persistence and of the mean of the last 60 samples. */
export class Score {
  readonly #rps: Float64Array
  readonly #ahead: number
  readonly #dayBefore: number
  readonly #split: number
  readonly #observedSince: Int32Array
  #origins = 0
  #actual = 0
  #errors = { model: 0, persistence: 0, mean60: 0 }
  #inside = 0

  constructor(series: TrafficSeries, ahead: number) {
    this.#rps = series.rps
    this.#ahead = ahead
    this.#dayBefore = ahead - 86_400 / series.stepS
    this.#split = Math.floor(series.rps.length * FIT_SHARE)
    this.#observedSince = runLengths(series.rps)
  }

  counts(origin: number): boolean {
    return (
      origin >= this.#split &&
      (this.#observedSince[origin] ?? 0) >= LOOKBACK &&
      this.#observed(origin + this.#ahead) &&
      this.#observed(origin + this.#dayBefore)
    )
  }

  add(origin: number, forecast: { p10: number; p50: number; p90: number }): void {
    const actual = this.#rps[origin + this.#ahead] ?? Number.NaN
    const lags = this.#rps.subarray(origin - LOOKBACK + 1, origin + 1)
    const mean = lags.reduce((sum, value) => sum + value, 0) / LOOKBACK
    this.#origins++
    this.#actual += actual
    this.#errors.model += Math.abs(forecast.p50 - actual)
    this.#errors.persistence += Math.abs((lags.at(-1) ?? 0) - actual)
    this.#errors.mean60 += Math.abs(mean - actual)
    if (forecast.p10 <= actual && actual <= forecast.p90) this.#inside++
  }

  result(baselines: Readonly<Record<string, number>>): HorizonError {
    const wape = (error: number) => round((100 * error) / this.#actual)
    const model = wape(this.#errors.model)
    const persistence = wape(this.#errors.persistence)
    const mean60 = wape(this.#errors.mean60)
    return {
      origins: this.#origins,
      model,
      persistence,
      mean60,
      coverage: round((100 * this.#inside) / this.#origins),
      baselines: { ...baselines },
      betterThanPersistence: round(100 * (1 - model / persistence)),
      betterThanMean60: round(100 * (1 - model / mean60)),
    }
  }

  #observed(index: number): boolean {
    return index >= 0 && Number.isFinite(this.#rps[index] ?? Number.NaN)
  }
}

/** How many samples up to and including each are observed without a gap. */
function runLengths(values: Float64Array): Int32Array {
  const runs = new Int32Array(values.length)
  let run = 0
  for (let index = 0; index < values.length; index++) {
    run = Number.isNaN(values[index]) ? 0 : run + 1
    runs[index] = run
  }
  return runs
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
