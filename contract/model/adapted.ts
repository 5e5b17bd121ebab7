import * as z from 'zod'
import { AtlasError } from '../errors.ts'
import { REGRESSION_ANSWERS, REGRESSION_INPUTS, type Regression, type RegressionInput } from './regression.ts'

/** Regressions of one horizon. */
export interface AdaptedHorizon {
  readonly regressions: readonly Regression[]
  /** How far the reference, and then each regression, is believed at first; sums to 1. */
  readonly trust: readonly number[]
}

/** Regressions fitted to one series, by horizon: what `train --on` writes and a forecaster of that series takes. */
export interface Adapted {
  readonly v: 1
  /** Step of the series that it was fitted to, seconds. */
  readonly stepS: number
  readonly horizons: {
    readonly in5?: AdaptedHorizon | undefined
    readonly in15?: AdaptedHorizon | undefined
    readonly in60?: AdaptedHorizon | undefined
  }
}

const index = z.number().int().nonnegative()
const treesSchema = z
  .strictObject({
    base: z.number(),
    roots: z.array(index),
    feature: z.array(z.number().int().min(-1)),
    value: z.array(z.number()),
    left: z.array(index),
  })
  .check(({ value: trees, issues }) => {
    const message = faultOf(trees)
    if (message !== null) issues.push({ code: 'custom', input: trees, message })
  })

const lineSchema = z.strictObject({ base: z.number(), weights: z.array(z.number()) })
const regressionSchema = z
  .strictObject({
    reads: z.enum(Object.keys(REGRESSION_INPUTS) as [RegressionInput, ...RegressionInput[]]),
    answers: z.enum(REGRESSION_ANSWERS),
    trees: treesSchema.optional(),
    line: lineSchema.optional(),
  })
  .refine(({ trees, line }) => trees !== undefined || line !== undefined, {
    message: 'must have trees, or a line, or both',
  })
  .check(({ value: { reads, trees, line }, issues }) => {
    const read = REGRESSION_INPUTS[reads]
    const isFit = (line?.weights.length ?? read) === read && !trees?.feature.some((tested) => tested >= read)
    const message = `must read ${read} numbers, as this build's ${reads}`
    if (!isFit) issues.push({ code: 'custom', input: reads, message })
  })

const horizonSchema = z
  .strictObject({
    regressions: z.array(regressionSchema).min(1),
    trust: z.array(z.number().min(0).max(1)),
  })
  .refine(({ regressions, trust }) => trust.length === regressions.length + 1, {
    message: 'trust must have one number for the reference and one for each regression',
  })

const adaptedSchema = z.strictObject({
  v: z.literal(1),
  stepS: z.number().positive(),
  horizons: z.strictObject({
    in5: horizonSchema.optional(),
    in15: horizonSchema.optional(),
    in60: horizonSchema.optional(),
  }),
})

/**
 * Parses what `train --on` wrote, strictly: also that every walk down a tree ends at a leaf.
 * @throws AtlasError `model/unreadable`, with the faults' paths
 */
export function parseAdapted(document: unknown): Adapted {
  const parsed = adaptedSchema.safeParse(document)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  const first = faults[0]
  throw new AtlasError(
    'model/unreadable',
    `adapted forecaster refused: ${first?.path || 'document'}: ${first?.message}`,
    { faults },
  )
}

function faultOf(trees: {
  roots: number[]
  feature: number[]
  value: number[]
  left: number[]
}): string | null {
  const { roots, feature, value, left } = trees
  const nodes = feature.length
  if (value.length !== nodes || left.length !== nodes)
    return `feature, value and left must be equally long, but have ${nodes}, ${value.length} and ${left.length} numbers`
  if (roots.some((root) => root >= nodes)) return `roots must lie below ${nodes}, the number of nodes`
  const stray = feature.findIndex((tested, node) => {
    const child = left[node] ?? 0
    return tested >= 0 && (child <= node || child + 1 >= nodes)
  })
  return stray < 0 ? null : `node ${stray} must lead to two nodes after it, but leads to ${left[stray]}`
}
