/** One measured figure of an evaluation. */
export interface Result {
  readonly key: string
  readonly value: number
  readonly unit: string
  /** How many cases it comes from. */
  readonly n: number
}
