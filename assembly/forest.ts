/**
 * Isolation forest (Liu, Ting, Zhou 2008), perfect heaps: each tree has `depth` levels of splits and 2^depth leaves,
 * so that every point takes exactly `depth` steps and no step branches. A leaf above the last level is written as
 * splits at +Infinity, all leaves below it alike.
 *
 *   tree      0                 split[2^depth - 1]:  f32 threshold, u32 feature     children of i: 2i+1, 2i+2
 *             8 (2^depth - 1)   f32 pathLength[2^depth]                             depth of the leaf + c(its size)
 *
 * A point goes left when point[feature] < threshold, else right (so does NaN).
 */

/** Sum over the trees of the point's path length. */
export function forestPath(trees: usize, count: i32, depth: i32, point: usize): f64 {
  const splits = (1 << depth) - 1
  const stride = <usize>((splits << 3) + ((splits + 1) << 2))
  let sum: f64 = 0
  for (let tree = 0; tree < count; tree++, trees += stride) {
    let node = 0
    for (let level = 0; level < depth; level++) {
      const split = trees + (<usize>node << 3)
      const value = load<f32>(point + (<usize>load<u32>(split, 4) << 2))
      node = 2 * node + 2 - <i32>(value < load<f32>(split))
    }
    sum += <f64>load<f32>(trees + <usize>(splits << 3) + (<usize>(node - splits) << 2))
  }
  return sum
}

/**
 * Local DIFFI (Carletti, Terzi, Susto 2023, "Interpretable anomaly detection with DIFFI", section on single points):
 * a split on the way to a leaf at depth h is worth 1/h - 1/depth. Adds to each feature's weight[f] what its splits are
 * worth, and to visits[f] how many there were. Both are arrays of f64.
 */
export function forestExplain(trees: usize, count: i32, depth: i32, point: usize, weight: usize, visits: usize): void {
  const splits = (1 << depth) - 1
  const stride = <usize>((splits << 3) + ((splits + 1) << 2))
  for (let tree = 0; tree < count; tree++, trees += stride) {
    let length = 0
    for (let pass = 0; pass < 2; pass++) {
      let node = 0
      let level = 0
      for (; level < depth; level++) {
        const split = trees + (<usize>node << 3)
        const threshold = load<f32>(split)
        if (threshold == Infinity) break
        const feature = <usize>load<u32>(split, 4)
        if (pass == 1) {
          const at = feature << 3
          store<f64>(weight + at, load<f64>(weight + at) + 1 / <f64>length - 1 / <f64>depth)
          store<f64>(visits + at, load<f64>(visits + at) + 1)
        }
        node = 2 * node + 2 - <i32>(load<f32>(point + (feature << 2)) < threshold)
      }
      length = level
    }
  }
}
