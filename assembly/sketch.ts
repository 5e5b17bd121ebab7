/**
 * DDSketch (Masson, Rim, Lee 2019, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees"), alpha = 0.01, dense bins over 0.01 ms … 10^6 ms.
 *
 * A value x falls in bin i = ceil(log_gamma(x / 0.01)), gamma = (1 + alpha) / (1 - alpha); what is at or below
 * 0.01 ms falls in bin 0, what is above 10^6 ms counts as 10^6 ms, NaN as 0.
 *
 *   sketch    0  f64  count          = sum of the bins, at most 2^32 - 1, so that no bin can overflow
 *             8       (unused)
 *            16  u32  bins[928]
 *          3728
 *
 *   encoded   u8 1 (version), then LEB128: number of filled bins, and for each: bins skipped since the last, count
 */
// @ts-ignore: decorator
@inline const BINS: i32 = 928
// @ts-ignore: decorator
@inline const HEAD: usize = 16
// @ts-ignore: decorator
@inline const VERSION: u8 = 1
// @ts-ignore: decorator
@inline const MIN_MS: f64 = 0.01
// @ts-ignore: decorator
@inline const MAX_MS: f64 = 1e6
// 1 / ln(1.01 / 0.99)
// @ts-ignore: decorator
@inline const INVERSE_LN_GAMMA: f64 = 49.99833328888678

export const SKETCH_BYTES: i32 = 16 + 4 * 928
/** Version, number of bins, and for each bin a skip of 2 bytes and a count of 5. */
export const SKETCH_ENCODED_MAX: i32 = 1 + 2 + 928 * 7
export const SKETCH_COUNT_MAX: f64 = 4294967295

export function sketchAdd(sketch: usize, ms: f64): void {
  const count = load<f64>(sketch)
  if (count >= SKETCH_COUNT_MAX) return
  const bin = ms > MIN_MS ? <i32>Math.ceil(Math.log(min(ms, MAX_MS) / MIN_MS) * INVERSE_LN_GAMMA) : 0
  const at = sketch + HEAD + (<usize>bin << 2)
  store<u32>(at, load<u32>(at) + 1)
  store<f64>(sketch, count + 1)
}

/** Adds `source` to `target`. Answers 0, and changes nothing, when the count would pass SKETCH_COUNT_MAX. */
export function sketchMerge(target: usize, source: usize): i32 {
  const count = load<f64>(target) + load<f64>(source)
  if (!(count <= SKETCH_COUNT_MAX)) return 0
  store<f64>(target, count)
  const end = target + <usize>SKETCH_BYTES
  let from = source + HEAD
  for (let to = target + HEAD; to < end; to += 64, from += 64) {
    v128.store(to, i32x4.add(v128.load(to), v128.load(from)))
    v128.store(to, i32x4.add(v128.load(to, 16), v128.load(from, 16)), 16)
    v128.store(to, i32x4.add(v128.load(to, 32), v128.load(from, 32)), 32)
    v128.store(to, i32x4.add(v128.load(to, 48), v128.load(from, 48)), 48)
  }
  return 1
}

/** Bin that holds the q-quantile (0-based rank floor(q (n - 1))); -1 when the sketch is empty. */
export function sketchBin(sketch: usize, q: f64): i32 {
  const count = load<f64>(sketch)
  if (count == 0) return -1
  const rank = q * (count - 1)
  let seen: f64 = 0
  let last = 0
  for (let bin = 0; bin < BINS; bin++) {
    const inBin = load<u32>(sketch + HEAD + (<usize>bin << 2))
    if (inBin == 0) continue
    last = bin
    seen += <f64>inBin
    if (seen > rank) break
  }
  return last
}

/** Writes the encoded form to `out` (room for SKETCH_ENCODED_MAX bytes) and answers its length. */
export function sketchEncode(sketch: usize, out: usize): i32 {
  let filled: u32 = 0
  for (let bin = 0; bin < BINS; bin++) {
    if (load<u32>(sketch + HEAD + (<usize>bin << 2)) != 0) filled++
  }
  store<u8>(out, VERSION)
  let at = writeVarint(out + 1, filled)
  let previous = -1
  for (let bin = 0; bin < BINS; bin++) {
    const count = load<u32>(sketch + HEAD + (<usize>bin << 2))
    if (count == 0) continue
    at = writeVarint(at, bin - previous - 1)
    at = writeVarint(at, count)
    previous = bin
  }
  return <i32>(at - out)
}

let varint: u64 = 0

/**
 * Reads an encoded sketch of `length` bytes into `sketch`. Checks everything: answers 0 for a wrong version, a number
 * cut short or above 32 bits, a bin past the last, an empty bin, a count above SKETCH_COUNT_MAX or bytes left over;
 * `sketch` is then undefined.
 */
export function sketchDecode(source: usize, length: i32, sketch: usize): i32 {
  const end = source + <usize>max(length, 0)
  memory.fill(sketch, 0, <usize>SKETCH_BYTES)
  if (length < 2 || load<u8>(source) != VERSION) return 0
  let at = readVarint(source + 1, end)
  if (at == 0 || varint > <u64>BINS) return 0
  const filled = <i32>varint
  let bin: i64 = -1
  let total: f64 = 0
  for (let i = 0; i < filled; i++) {
    at = readVarint(at, end)
    if (at == 0) return 0
    bin += <i64>varint + 1
    if (bin >= <i64>BINS) return 0
    at = readVarint(at, end)
    if (at == 0 || varint == 0) return 0
    store<u32>(sketch + HEAD + (<usize>bin << 2), <u32>varint)
    total += <f64>varint
  }
  if (at != end || total > SKETCH_COUNT_MAX) return 0
  store<f64>(sketch, total)
  return 1
}

function writeVarint(at: usize, value: u32): usize {
  while (value > 0x7f) {
    store<u8>(at++, <u8>(value | 0x80))
    value >>>= 7
  }
  store<u8>(at++, <u8>value)
  return at
}

/** Reads a number of at most 32 bits to `varint`, and answers where the next begins; 0 when there is none. */
function readVarint(at: usize, end: usize): usize {
  let value: u64 = 0
  for (let shift: u64 = 0; shift < 35; shift += 7) {
    if (at >= end) return 0
    const byte = load<u8>(at++)
    value |= <u64>(byte & 0x7f) << shift
    if (byte < 0x80) {
      varint = value
      return value <= 0xffffffff ? at : 0
    }
  }
  return 0
}
