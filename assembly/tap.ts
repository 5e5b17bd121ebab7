import { BYTES_OUT, CELL_BYTES, CELLS, ERRORS_4XX, ERRORS_5XX, LATENCY, LIMITED, REQUESTS, SHED, UNREACHABLE } from './cell'
import { sketchAdd } from './sketch'

/**
 * The tap's records, as the host writes them with plain stores: four columns of `capacity` rows.
 *
 *   ring     0       f64  bucketStartMs[capacity]   finite
 *            8 n     f64  bytes[capacity]
 *           16 n     f32  ttfbMs[capacity]
 *           20 n     u32  word[capacity]            module (5 bits) | flags << 8 (2 bits) | caller << 10 (5 bits) | status << 16
 *           24 n
 *
 *   calls    0       u32  requests[CELLS][CELLS]    by caller, then by callee; a ring has too few rows to overflow one
 *         4096
 */
export const CALLS_BYTES: i32 = 4 * CELLS * CELLS
/** In the place of a caller: from outside. */
// @ts-ignore: decorator
@inline const OUTSIDE: u32 = 31
// @ts-ignore: decorator
@inline const FLAG_UNREACHABLE: u32 = 1 << 8
// @ts-ignore: decorator
@inline const FLAG_SHED: u32 = 2 << 8
/** 2^53: sums of bytes stay exact integers up to here; one response cannot be larger. */
// @ts-ignore: decorator
@inline const MAX_BYTES: f64 = 9007199254740992

/** Start of the oldest bucket among the first `count` rows. */
export function tapOldest(ring: usize, count: i32): f64 {
  let oldest: f64 = Infinity
  for (let row = 0; row < count; row++) oldest = min(oldest, load<f64>(ring + (<usize>row << 3)))
  return oldest
}

/**
 * Clears table and calls, aggregates into them the rows whose bucket starts at or before `upTo`, moves the others to the
 * front in their order, and answers how many are left.
 */
export function tapTake(ring: usize, capacity: i32, count: i32, upTo: f64, table: usize, calls: usize): i32 {
  memory.fill(table, 0, <usize>(CELLS * CELL_BYTES))
  memory.fill(calls, 0, <usize>CALLS_BYTES)
  const bytes = ring + (<usize>capacity << 3)
  const ttfb = bytes + (<usize>capacity << 3)
  const word = ttfb + (<usize>capacity << 2)
  let left = 0
  for (let row = 0; row < count; row++) {
    const start = load<f64>(ring + (<usize>row << 3))
    const rowBytes = load<f64>(bytes + (<usize>row << 3))
    const rowTtfb = load<f32>(ttfb + (<usize>row << 2))
    const rowWord = load<u32>(word + (<usize>row << 2))
    if (start <= upTo) {
      record(table, rowWord, <f64>rowTtfb, rowBytes)
      if (!isLimited(rowWord)) call(calls, rowWord)
      continue
    }
    store<f64>(ring + (<usize>left << 3), start)
    store<f64>(bytes + (<usize>left << 3), rowBytes)
    store<f32>(ttfb + (<usize>left << 2), rowTtfb)
    store<u32>(word + (<usize>left << 2), rowWord)
    left++
  }
  return left
}

function record(table: usize, word: u32, ttfbMs: f64, bytes: f64): void {
  const cell = table + <usize>(word & 31) * <usize>CELL_BYTES
  const status = word >>> 16
  bump(cell + REQUESTS, 1)
  if (status >= 400 && status < 500) bump(cell + ERRORS_4XX, 1)
  if (status >= 500 && status < 600) bump(cell + ERRORS_5XX, 1)
  if ((word & FLAG_UNREACHABLE) != 0) bump(cell + UNREACHABLE, 1)
  if ((word & FLAG_SHED) != 0) bump(cell + SHED, 1)
  bump(cell + BYTES_OUT, bytes > 0 ? min(bytes, MAX_BYTES) : 0)
  // a limit refuses in no time: counted as latency, a flood of refusals would make the module look fast
  if (isLimited(word)) {
    bump(cell + LIMITED, 1)
    return
  }
  sketchAdd(cell + LATENCY, ttfbMs)
}

/** Refused by a limit: ATLAS's own answer, and no 504. */
// @ts-ignore: decorator
@inline
function isLimited(word: u32): bool {
  return (word & FLAG_SHED) != 0 && word >>> 16 < 500
}

// @ts-ignore: decorator
@inline
function call(calls: usize, word: u32): void {
  const caller = (word >>> 10) & 31
  if (caller == OUTSIDE) return
  const at = calls + ((<usize>caller * <usize>CELLS + <usize>(word & 31)) << 2)
  store<u32>(at, load<u32>(at) + 1)
}

// @ts-ignore: decorator
@inline
function bump(at: usize, by: f64): void {
  store<f64>(at, load<f64>(at) + by)
}
