import * as z from 'zod'

/** The two tails of one feature, as its fitting rows had them. Plain JSON. */
export const featureTailSchema = z.strictObject({
  /** Values beyond which lie a half of 10^-u of the rows, u = 0, 0.25, …: upwards, and downwards. */
  high: z.array(z.number()).min(1).max(64).readonly(),
  low: z.array(z.number()).min(1).max(64).readonly(),
  /** Largest and smallest value. */
  most: z.number(),
  least: z.number(),
  /** What a value beyond them is measured with. */
  span: z.number().positive(),
  /** -log10 of one row's share: what the largest value itself is worth. */
  edge: z.number().nonnegative(),
})

export type FeatureTail = Readonly<z.output<typeof featureTailSchema>>
