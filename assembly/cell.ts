import { SKETCH_BYTES, sketchMerge } from './sketch'

/**
 * What is counted of one module in one bucket. A table is CELLS of them in a row, by module index.
 *
 *   cell      0  f64  requests
 *             8  f64  errors4xx
 *            16  f64  errors5xx
 *            24  f64  unreachable
 *            32  f64  shed
 *            40  f64  bytesOut
 *            48  f64  limited
 *            56       (unused)
 *            64  sketch of the latency (see sketch.ts)
 *          3792
 */
export const CELLS: i32 = 32
export const CELL_BYTES: i32 = 64 + SKETCH_BYTES

// @ts-ignore: decorator
@inline export const REQUESTS: usize = 0
// @ts-ignore: decorator
@inline export const ERRORS_4XX: usize = 8
// @ts-ignore: decorator
@inline export const ERRORS_5XX: usize = 16
// @ts-ignore: decorator
@inline export const UNREACHABLE: usize = 24
// @ts-ignore: decorator
@inline export const SHED: usize = 32
// @ts-ignore: decorator
@inline export const BYTES_OUT: usize = 40
// @ts-ignore: decorator
@inline export const LIMITED: usize = 48
// @ts-ignore: decorator
@inline export const LATENCY: usize = 64

/** Adds `source` to `target`. Answers 0, and changes nothing, when the sketch would overflow. */
export function cellMerge(target: usize, source: usize): i32 {
  if (sketchMerge(target + LATENCY, source + LATENCY) == 0) return 0
  for (let offset: usize = 0; offset < LATENCY; offset += 16) {
    v128.store(target + offset, f64x2.add(v128.load(target + offset), v128.load(source + offset)))
  }
  return 1
}
