import * as z from 'zod'
import { AtlasError } from '../errors.ts'
import { ANOMALY_FEATURES } from './anomaly-features.ts'
import { featureTailSchema } from './feature-tail.ts'
import { FORECAST_FEATURES } from './forecast-window.ts'
import { HORIZONS_MIN, LOOKBACK, QUANTILE_LEVELS } from './series.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
const quantiles = z.strictObject({ p10: z.number(), p50: z.number(), p90: z.number() })
const count = z.number().int().nonnegative()
const fileSchema = z.strictObject({ path: z.string(), sizeBytes: z.number().int().positive(), sha256 })

/** Weighted absolute percentage error of each method, in %, the same origins for all. */
const horizonErrorSchema = z.strictObject({
  origins: count,
  /** The shipped (int8) model. */
  model: z.number(),
  persistence: z.number(),
  mean60: z.number(),
  /** Share of targets between p10 and p90, in %; 80 is right. */
  coverage: z.number(),
  /** Published baselines of the data set (fitted to each trace), by method. */
  baselines: z.record(z.string(), z.number()),
  /** The model's error below persistence's and the 60-minute mean's, relative, in %. */
  betterThanPersistence: z.number(),
  betterThanMean60: z.number(),
})

const traceErrorSchema = z.strictObject({
  trace: z.string(),
  /** Whether the model was trained on this trace's first 70 %, or has never seen it. */
  seen: z.enum(['fit part', 'never']),
  stepS: z.number(),
  horizons: z.record(z.string(), horizonErrorSchema),
})

const sourceSchema = z.strictObject({
  name: z.string(),
  sha256: sha256.nullable(),
  /** What of it was used. */
  part: z.string(),
  windows: count,
})

const manifestSchema = z.strictObject({
  v: z.literal(1),
  forecaster: z.strictObject({
    name: z.string(),
    file: fileSchema,
    opset: z.literal(17),
    form: z.literal('int8 weights, DequantizeLinear, LSTM'),
    hidden: z.array(z.number().int().positive()),
    parameters: count,
    input: z.strictObject({ name: z.string(), shape: z.tuple([z.literal('n'), count, count]) }),
    output: z.strictObject({ name: z.string(), shape: z.tuple([z.literal('n'), count]) }),
    features: z.array(z.string()),
    horizonsMin: z.array(z.number()),
    quantiles: z.array(z.number()),
    training: z.strictObject({
      seed: count,
      epochs: count,
      windows: count,
      batch: count,
      learningRate: z.number(),
      finalLoss: z.number(),
      sources: z.array(sourceSchema),
      remark: z.string(),
      command: z.string(),
    }),
    /** Largest and mean difference of the int8 from the fp32 form, in the model's own unit, on windows of the fit data. */
    quantisation: z.strictObject({ windows: count, maxAbs: z.number(), meanAbs: z.number() }),
    /** Histories (by seed) and the answers expected of them: tells a model that computes nonsense from one that works. */
    selfCheck: z.strictObject({
      cases: z
        .array(z.strictObject({ seed: count, in5: quantiles, in15: quantiles, in60: quantiles }))
        .min(1),
      /** Largest relative difference from the expected answer. */
      tolerance: z.number().positive(),
    }),
    protocol: z.string(),
    errors: z.array(traceErrorSchema),
  }),
  forest: z.strictObject({
    file: fileSchema,
    trees: count,
    depth: count,
    subsample: count,
    features: z.array(z.string()),
    training: z.strictObject({ seed: count, points: count, remark: z.string() }),
    /** How rare each feature's values are in normal traffic, and the rarity from which one counts: what the forest sees. */
    tails: z.array(featureTailSchema),
    level: z.number().positive(),
    calibration: z.array(z.strictObject({ raw: z.number(), score: z.number() })).min(1),
  }),
})

export type ModelManifest = z.output<typeof manifestSchema>
export type ForecasterManifest = ModelManifest['forecaster']
export type ForestManifest = ModelManifest['forest']
export type HorizonError = z.output<typeof horizonErrorSchema>
export type TraceError = z.output<typeof traceErrorSchema>

/**
 * Parses a manifest, strictly, and checks that its models speak this build's features, lookback, horizons and quantiles.
 * @throws AtlasError `model/unreadable` (not a manifest, with the faults' paths) or `model/shape` (another build's features)
 */
export function parseManifest(document: unknown): ModelManifest {
  const parsed = manifestSchema.safeParse(document)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => ({
      path: issue.path.join('.'),
      message: issue.message,
    }))
    const first = faults[0]
    throw new AtlasError(
      'model/unreadable',
      `model manifest refused: ${first?.path || 'document'}: ${first?.message}`,
      { faults },
    )
  }
  const { forecaster, forest } = parsed.data
  mustBe('forecaster.features', forecaster.features, FORECAST_FEATURES)
  mustBe('forecaster.horizonsMin', forecaster.horizonsMin, HORIZONS_MIN)
  mustBe('forecaster.quantiles', forecaster.quantiles, QUANTILE_LEVELS)
  mustBe('forecaster.input.shape', forecaster.input.shape, ['n', LOOKBACK, FORECAST_FEATURES.length])
  mustBe('forecaster.output.shape', forecaster.output.shape, [
    'n',
    HORIZONS_MIN.length * QUANTILE_LEVELS.length,
  ])
  mustBe('forest.features', forest.features, ANOMALY_FEATURES)
  mustBe('forest.tails', [forest.tails.length], [ANOMALY_FEATURES.length])
  return parsed.data
}

function mustBe(path: string, actual: readonly unknown[], expected: readonly unknown[]): void {
  if (actual.length === expected.length && actual.every((value, index) => value === expected[index])) return
  const message = `must be [${expected.join(', ')}], but is [${actual.join(', ')}]`
  throw new AtlasError('model/shape', `model manifest refused: ${path} ${message}`, {
    faults: [{ path, message }],
  })
}
