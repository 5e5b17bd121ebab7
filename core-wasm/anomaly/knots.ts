/** A piecewise linear curve through `knots`, rising from (0, 0); its last value beyond the last knot. */
export function between(knots: readonly (readonly [at: number, value: number])[], at: number): number {
  let [low, under] = [0, 0]
  for (const [high, over] of knots) {
    if (at < high) return under + ((at - low) / (high - low)) * (over - under)
    low = high
    under = over
  }
  return under
}
