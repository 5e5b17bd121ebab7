import type { Line } from '../../contract/model/regression.ts'
import type { BoostingData } from './boosting.ts'

const ITERATIONS = 6
/** Ridge, in samples of usual weight, on features of unit variance. */
const RIDGE = 300
/** Errors below this share of the mean one count by their square. */
const BLUNT = 0.2
const LEAST_SPREAD = 1e-9
const DIGITS = 6

/**
 * A line of least weighted absolute error with a ridge: least squares, reweighed by the inverse of the errors until they hardly
 * change (Schlossmacher, "An iterative technique for absolute deviations curve fitting", 1973).
 * @param data its x must be finite
 * @param rows those that are fitted
 */
export function fitLine({ columns, x, y, weight }: BoostingData, rows: readonly number[]): Line {
  const total = rows.reduce((sum, row) => sum + (weight[row] ?? 0), 0)
  const meanOf = (value: (row: number) => number) =>
    rows.reduce((sum, row) => sum + (weight[row] ?? 0) * value(row), 0) / total
  const centre = Float64Array.from({ length: columns }, (_, at) =>
    meanOf((row) => x[row * columns + at] ?? 0),
  )
  const spread = centre.map((middle, at) => {
    return LEAST_SPREAD + Math.sqrt(meanOf((row) => ((x[row * columns + at] ?? 0) - middle) ** 2))
  })
  const size = columns + 1
  const z = new Float64Array(rows.length * size).fill(1)
  rows.forEach((row, index) => {
    for (let at = 0; at < columns; at++)
      z[index * size + at] = ((x[row * columns + at] ?? 0) - (centre[at] ?? 0)) / (spread[at] ?? 1)
  })
  const target = Float64Array.from(rows, (row) => y[row] ?? 0)
  let solution = new Float64Array(size)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const errors = target.map((value, index) => {
      let sum = 0
      for (let at = 0; at < size; at++) sum += (z[index * size + at] ?? 0) * (solution[at] ?? 0)
      return Math.abs(value - sum)
    })
    const usual = errors.reduce((sum, error, at) => sum + error * (weight[rows[at] ?? 0] ?? 0), 0) / total
    if (!(usual > 0)) break
    const counts = errors.map((error, at) => {
      return (((weight[rows[at] ?? 0] ?? 0) * rows.length) / total) * (usual / Math.max(error, BLUNT * usual))
    })
    solution = solve(z, target, counts, size)
  }
  const weights = Array.from(spread, (unit, at) => Number(((solution[at] ?? 0) / unit).toPrecision(DIGITS)))
  const base = weights.reduce((sum, each, at) => sum - each * (centre[at] ?? 0), solution[columns] ?? 0)
  return { base, weights }
}

/** Weighted least squares with the ridge on all but the last, by Cholesky's decomposition. */
function solve(
  z: Float64Array,
  target: Float64Array,
  counts: Float64Array,
  size: number,
): Float64Array<ArrayBuffer> {
  const normal = new Float64Array(size * size)
  const right = new Float64Array(size)
  counts.forEach((count, index) => {
    const from = index * size
    for (let a = 0; a < size; a++) {
      const scaled = count * (z[from + a] ?? 0)
      right[a] = (right[a] ?? 0) + scaled * (target[index] ?? 0)
      for (let b = 0; b <= a; b++)
        normal[a * size + b] = (normal[a * size + b] ?? 0) + scaled * (z[from + b] ?? 0)
    }
  })
  const ridge = (RIDGE * counts.reduce((sum, count) => sum + count, 0)) / counts.length
  const at = (row: number, column: number) => normal[row * size + column] ?? 0
  for (let row = 0; row < size; row++) {
    if (row < size - 1) normal[row * size + row] = at(row, row) + ridge
    for (let column = 0; column <= row; column++) {
      let sum = at(row, column)
      for (let k = 0; k < column; k++) sum -= at(row, k) * at(column, k)
      normal[row * size + column] = row === column ? Math.sqrt(sum) : sum / at(column, column)
    }
    for (let k = 0; k < row; k++) right[row] = (right[row] ?? 0) - at(row, k) * (right[k] ?? 0)
    right[row] = (right[row] ?? 0) / at(row, row)
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let k = row + 1; k < size; k++) right[row] = (right[row] ?? 0) - at(k, row) * (right[k] ?? 0)
    right[row] = (right[row] ?? 0) / at(row, row)
  }
  return right
}
