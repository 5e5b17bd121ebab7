import * as z from 'zod'
import { AtlasError } from '../errors.ts'
import type { BoostedTrees } from './boosted-trees.ts'

/** What a regression reads: the window's rates, the view of the series' own past, or that and what the reference says. */
export const REGRESSION_INPUTS = ['lags', 'view', 'residual'] as const

export type RegressionInput = (typeof REGRESSION_INPUTS)[number]

/** Regressions of the relative target; what reads `residual` adds to what the reference says. */
export interface AdaptedHorizon {
  readonly regressions: readonly { readonly reads: RegressionInput; readonly trees: BoostedTrees }[]
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

const horizonSchema = z
  .strictObject({
    regressions: z.array(z.strictObject({ reads: z.enum(REGRESSION_INPUTS), trees: treesSchema })).min(1),
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
