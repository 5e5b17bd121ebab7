import { LOOKBACK, type SeriesHistory } from '../../contract/model/series.ts'

/** A recorded or generated series on a regular grid. NaN where a sample is missing or a measure is not known. */
export interface TrafficSeries {
  readonly name: string
  readonly stepS: number
  /** Start of the first step, milliseconds UTC. */
  readonly startMs: number
  readonly rps: Float64Array
  readonly errorRate?: Float64Array
  readonly cpu?: Float64Array
  readonly memory?: Float64Array
  readonly dbQueue?: Float64Array
  /** Whether the step's day is a holiday: 1 or 0. */
  readonly holiday?: Float64Array
  /** Steps in which a surge builds up or has just come, where that is known. */
  readonly surges?: readonly number[]
}

/** The window of a series whose last sample is `origin`. */
export function historyAt(series: TrafficSeries, origin: number): SeriesHistory {
  const from = origin - LOOKBACK + 1
  const part = (values: Float64Array | undefined) =>
    values === undefined ? [] : Array.from(values.subarray(from, origin + 1))
  return {
    name: series.name,
    stepS: series.stepS,
    endMs: series.startMs + (origin + 1) * series.stepS * 1000,
    rps: part(series.rps),
    errorRate: part(series.errorRate),
    cpu: part(series.cpu),
    memory: part(series.memory),
    dbQueue: part(series.dbQueue),
    ...(series.holiday && { holiday: (series.holiday[origin] ?? 0) >= 0.5 }),
  }
}

/** The series with `factor` steps folded into one: means of what was observed, NaN where nothing was. */
export function coarser(series: TrafficSeries, factor: number): TrafficSeries {
  const fold = (values: Float64Array) =>
    Float64Array.from({ length: Math.floor(values.length / factor) }, (_, step) => {
      const observed = values
        .subarray(step * factor, (step + 1) * factor)
        .filter((value) => !Number.isNaN(value))
      return observed.length === 0
        ? Number.NaN
        : observed.reduce((sum, value) => sum + value, 0) / observed.length
    })
  return {
    name: series.name,
    stepS: series.stepS * factor,
    startMs: series.startMs,
    rps: fold(series.rps),
    ...(series.errorRate && { errorRate: fold(series.errorRate) }),
    ...(series.cpu && { cpu: fold(series.cpu) }),
    ...(series.memory && { memory: fold(series.memory) }),
    ...(series.dbQueue && { dbQueue: fold(series.dbQueue) }),
    ...(series.holiday && { holiday: fold(series.holiday) }),
    ...(series.surges && { surges: series.surges.map((step) => Math.floor(step / factor)) }),
  }
}
