import * as z from 'zod'
import { count, mode, time } from './message-parts.ts'

/** Sums over the forecasts of one horizon whose time has come; WAPE = error / actual. Requests a second. */
const errorSums = z.strictObject({
  count,
  actual: z.number(),
  /** Sum of |p50 − what came|. */
  error: z.number(),
  /** Forecasts whose p10–p90 held what came. */
  inside: count,
})
const byHorizon = <T extends z.ZodType>(of: T) => z.strictObject({ in5: of, in15: of, in60: of })

/** The models of the PoP's forecaster, each measured against what came. */
export const modelsSchema = z.strictObject({
  /** Version of the release in force; 0: none yet. */
  release: count,
  champion: z.strictObject({
    ref: z.string(),
    name: z.string(),
    /** Of the last day, and of all that is kept (up to 35 days of the series' time). */
    recent: byHorizon(errorSums),
    baseline: byHorizon(errorSums),
  }),
  /** The challenger, or the champion before a promotion; null when none runs. */
  rival: z
    .strictObject({
      ref: z.string(),
      name: z.string(),
      role: z.enum(['challenger', 'former']),
      /** Trace time of its first measured forecast; null before. */
      sinceMs: time.nullable(),
      /** Over forecasts that both made of the same minute: its own error, and the champion's. */
      paired: byHorizon(errorSums.extend({ championError: z.number() })),
      /** Why it does not forecast; null when it does. */
      fault: z.string().nullable(),
      /** Had it decided: minutes asked, those in which it asked for another mode, and the mode it asks for now. */
      asked: count,
      differed: count,
      wouldBe: mode.nullable(),
    })
    .nullable(),
  /**
   * Regressions of the PoP's own series beside the champion: the version that says so, the hash of those in use, and why
   * none are or the last were refused. Left out by a PoP that was given none.
   */
  adapted: z
    .strictObject({ version: count, hash: z.string().nullable(), fault: z.string().nullable() })
    .nullable()
    .optional(),
})

export type ModelsState = z.output<typeof modelsSchema>
export type ErrorSums = z.output<typeof errorSums>
