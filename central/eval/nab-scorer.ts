/**
 * Scorer of the Numenta Anomaly Benchmark (Lavin, Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms", 2015), its
 * version 1.1 with the sweep over all thresholds. Every labelled window earns at its first detection, more the earlier;
 * every detection outside of a window costs, little just after a window's end, all of it farther off:
 *
 *   σ(y) = 2 / (1 + e^{5y}) - 1, and -1 from y = 3 on
 *   inside a window of w rows that ends at row e:  tp · σ(-(e - i + 1) / w) / σ(-1)
 *   outside, after a window of w rows that ended at e: fp · σ((i - e) / (w - 1)); before any window: -fp
 *   a window without a detection: -fn
 *
 * One threshold serves all files: the one with the best sum. 0 is a detector that never fires, 100 one that fires at
 * the first row of each window and nowhere else. Rows of the probationary period (15 %, at most 750) do not count.
 */

/** What a detection is worth. True negatives weigh nothing in the sum. */
export interface NabProfile {
  readonly tp: number
  readonly fp: number
  readonly fn: number
}

export const NAB_STANDARD: NabProfile = { tp: 1, fp: 0.11, fn: 1 }
export const NAB_LOW_FP: NabProfile = { tp: 1, fp: 0.22, fn: 1 }
export const NAB_LOW_FN: NabProfile = { tp: 1, fp: 0.11, fn: 2 }

/** First and last row of a labelled window, both inside. */
export interface NabWindow {
  readonly first: number
  readonly last: number
}

/** A labelled file with the anomaly score of each row. */
export interface ScoredFile {
  readonly name: string
  readonly scores: ArrayLike<number>
  /** In order, not overlapping. */
  readonly windows: readonly NabWindow[]
}

export interface FileScore {
  readonly name: string
  /** Sum of the file's parts, not normalised. */
  readonly raw: number
  readonly windows: number
  readonly found: number
  /** Rows above the threshold outside of windows. */
  readonly falseRows: number
}

export interface NabScore {
  /** 0 for a detector that never fires, 100 for the perfect one; may be below 0 at a foreign threshold. */
  readonly score: number
  /** A row counts as detected from this score on; infinite when never firing is best. */
  readonly threshold: number
  readonly files: readonly FileScore[]
}

const PROBATION_SHARE = 0.15
const PROBATION_ROWS = 750
const FAR_PAST = 3
/** Marks rows of `rowValues` that are in no window, and those that do not count. */
const OUTSIDE = -1
const PROBATIONARY = -2

/** How many first rows of a file do not count. */
export function probationRows(rows: number): number {
  return Math.min(Math.floor(PROBATION_SHARE * rows), PROBATION_ROWS)
}

/** 1 (about) at -1, 0 at 0, -1 (about) from 1 on. */
export function scaledSigmoid(position: number): number {
  return position >= FAR_PAST ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}

/** What a detection at each row is worth, and the window it lies in. */
export function rowValues(
  rows: number,
  windows: readonly NabWindow[],
  profile: NabProfile,
): { readonly value: Float64Array; readonly window: Int32Array } {
  const value = new Float64Array(rows)
  const window = new Int32Array(rows).fill(OUTSIDE)
  const probation = probationRows(rows)
  const best = scaledSigmoid(-1)
  let next = 0
  for (let row = 0; row < rows; row++) {
    while ((windows[next]?.last ?? rows) < row) next++
    const ahead = windows[next]
    const past = windows[next - 1]
    if (ahead !== undefined && row >= ahead.first) {
      window[row] = next
      const width = ahead.last - ahead.first + 1
      value[row] = (profile.tp * scaledSigmoid(-(ahead.last - row + 1) / width)) / best
    } else {
      const position = past === undefined ? FAR_PAST : (row - past.last) / (past.last - past.first)
      value[row] = profile.fp * scaledSigmoid(position)
    }
    if (row < probation) window[row] = PROBATIONARY
  }
  return { value, window }
}

/** Scores a corpus at the threshold that suits it best, as the benchmark does, or at a given one. */
export function scoreNab(
  files: readonly ScoredFile[],
  profile: NabProfile = NAB_STANDARD,
  threshold = bestThreshold(files, profile),
): NabScore {
  const scored = files.map((file) => scoreFile(file, profile, threshold))
  const windows = scored.reduce((sum, file) => sum + file.windows, 0)
  const raw = scored.reduce((sum, file) => sum + file.raw, 0)
  const never = -profile.fn * windows
  const perfect = profile.tp * windows
  return {
    score: windows === 0 ? Number.NaN : (100 * (raw - never)) / (perfect - never),
    threshold,
    files: scored,
  }
}

function scoreFile(file: ScoredFile, profile: NabProfile, threshold: number): FileScore {
  const { value, window } = rowValues(file.scores.length, file.windows, profile)
  const earned = new Map<number, number>()
  let raw = 0
  let falseRows = 0
  window.forEach((index, row) => {
    if (index === PROBATIONARY) return
    const worth = value[row] ?? 0
    const detected = (file.scores[row] ?? 0) >= threshold
    if (index === OUTSIDE) {
      if (!detected) return
      raw += worth
      falseRows++
    } else {
      const before = earned.get(index) ?? -profile.fn
      earned.set(index, detected ? Math.max(before, worth) : before)
    }
  })
  const parts = [...earned.values()]
  return {
    name: file.name,
    raw: parts.reduce((sum, part) => sum + part, raw),
    windows: parts.length,
    found: parts.filter((part) => part > -profile.fn).length,
    falseRows,
  }
}

/** The threshold with the best sum over all files; the highest of equals. */
function bestThreshold(files: readonly ScoredFile[], profile: NabProfile): number {
  const rows = files.reduce((sum, { scores }) => sum + scores.length, 0)
  const score = new Float64Array(rows)
  const value = new Float64Array(rows)
  const window = new Int32Array(rows)
  let at = 0
  let windows = 0
  for (const file of files) {
    const { value: worth, window: index } = rowValues(file.scores.length, file.windows, profile)
    for (let row = 0; row < worth.length; row++) {
      const within = index[row] ?? OUTSIDE
      if (within === PROBATIONARY) continue
      score[at] = file.scores[row] ?? 0
      value[at] = worth[row] ?? 0
      window[at] = within === OUTSIDE ? OUTSIDE : windows + within
      at++
    }
    windows += file.windows.length
  }
  const order = Uint32Array.from({ length: at }, (_, row) => row)
  order.sort((a, b) => (score[b] ?? 0) - (score[a] ?? 0))
  const earned = new Float64Array(windows).fill(-profile.fn)
  let sum = 0
  let bestSum = 0
  let best = Number.POSITIVE_INFINITY
  for (let place = 0; place < at; place++) {
    const row = order[place] ?? 0
    const index = window[row] ?? OUTSIDE
    const worth = value[row] ?? 0
    if (index === OUTSIDE) sum += worth
    else if (worth > (earned[index] ?? 0)) {
      sum += worth - (earned[index] ?? 0)
      earned[index] = worth
    }
    const here = score[row] ?? 0
    const isLastOfEquals = place + 1 === at || score[order[place + 1] ?? 0] !== here
    if (isLastOfEquals && sum > bestSum) {
      bestSum = sum
      best = here
    }
  }
  return best
}
