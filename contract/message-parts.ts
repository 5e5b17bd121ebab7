import * as z from 'zod'

export const mode = z.enum(['TIGHT', 'HYBRID', 'LOOSE'])
export const count = z.number().int().nonnegative()
/** Trace or wall time, milliseconds UTC, of the years 1 to 9999: what every reader can write as a date. */
export const time = z.number().min(-62_135_596_800_000).max(253_402_300_799_999)
