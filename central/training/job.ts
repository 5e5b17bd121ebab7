import type { Adaptation } from '../../contract/model/adaptation.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'

/** A series as JSON: null where a sample is missing. */
export interface WrittenSeries {
  readonly name: string
  readonly stepS: number
  readonly startMs: number
  readonly rps: readonly (number | null)[]
  readonly errorRate?: readonly (number | null)[] | undefined
  readonly cpu?: readonly (number | null)[] | undefined
  readonly memory?: readonly (number | null)[] | undefined
  readonly dbQueue?: readonly (number | null)[] | undefined
}

/** What a training process is to do. Series and models lie in its folder, each a file of its own. */
export interface TrainingJob {
  readonly seed: number
  /** Few rounds: tries the whole way, what comes out is poor. */
  readonly quick: boolean
  readonly adaptations: readonly {
    readonly pop: string
    /** A WrittenSeries. */
    readonly series: string
    /** References to fit beside, and the files of their models. */
    readonly beside: readonly { readonly sha256: string; readonly file: string }[]
  }[]
  /** A new reference from generated traffic, the traces that are there, and these; null: none is wanted. */
  readonly global: {
    readonly epochs: number
    /** Files of series. */
    readonly recorded: readonly string[]
    /** Windows around recorded incidents, which are drawn more often. */
    readonly examples: readonly WrittenSeries[]
  } | null
}

/** Of an adaptation, what a training makes; `file`: that of its regressions. */
export type FittedPart = Pick<Adaptation, 'fromMs' | 'splitMs' | 'toMs' | 'heldBack'> & {
  readonly file: string
}

/** What became of one adaptation: fitted, or why not. */
export type FittedAdaptation = { readonly pop: string; readonly beside: string } & (
  | { readonly fitted: FittedPart; readonly reason: null }
  | { readonly fitted: null; readonly reason: string }
)

/** What a training process leaves in its folder as `result.json`; the model's files lie beside it. */
export interface TrainingResult {
  readonly adaptations: readonly FittedAdaptation[]
  /** Files of the new reference, and the SHA-256 of its model, beside which there are adaptations too. */
  readonly global: {
    readonly model: string
    readonly fp32: string
    readonly manifest: string
    readonly sha256: string
  } | null
}

export const JOB_FILE = 'job.json'
export const RESULT_FILE = 'result.json'

/** What a series may hold beside its rates. */
export const MEASURES = ['errorRate', 'cpu', 'memory', 'dbQueue'] as const

export function writeSeries({ name, stepS, startMs, rps, ...measures }: TrafficSeries): WrittenSeries {
  const written = (values: Float64Array) =>
    Array.from(values, (value) => (Number.isFinite(value) ? Math.round(value * 1e4) / 1e4 : null))
  const beside = MEASURES.flatMap((measure) => {
    const values = measures[measure]
    return values === undefined ? [] : [[measure, written(values)] as const]
  })
  return { name, stepS, startMs, rps: written(rps), ...Object.fromEntries(beside) }
}

export function readSeries({ name, stepS, startMs, rps, ...measures }: WrittenSeries): TrafficSeries {
  const read = (values: readonly (number | null)[]) =>
    Float64Array.from(values, (value) => value ?? Number.NaN)
  const beside = MEASURES.flatMap((measure) => {
    const values = measures[measure]
    return values === undefined ? [] : [[measure, read(values)] as const]
  })
  return { name, stepS, startMs, rps: read(rps), ...Object.fromEntries(beside) }
}
