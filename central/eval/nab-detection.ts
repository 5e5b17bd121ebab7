import {
  STREAM_SETTINGS,
  StreamDetector,
  type StreamSettings,
  type SurpriseForest,
} from '../../core-wasm/anomaly/stream-detector.ts'
import type { NabFile } from './nab-corpus.ts'
import { NAB_STANDARD, type ScoredFile, scoreNab } from './nab-scorer.ts'

/** Runs a fresh detector over each file, from its first row to its last. The score of a row is its onset. */
export function detectNab(
  files: readonly NabFile[],
  forest: SurpriseForest | undefined,
  settings: StreamSettings = STREAM_SETTINGS,
): ScoredFile[] {
  return files.map((file) => {
    const detector = new StreamDetector({ settings, ...(forest && { forest }) })
    const scores = file.values.map(
      (value, row) => detector.push(value, file.timeMs[row] ?? Number.NaN)?.onset ?? 0,
    )
    return { name: file.name, scores, windows: file.windows }
  })
}

/** Settings whose sensitivity is of interest: all that shape the score. */
const STUDIED = [
  'seasonRate',
  'residualRows',
  'shiftRows',
  'longRows',
  'smoothRows',
  'seasonMeanRows',
  'forestWeight',
  'habituationRows',
  'habituationShare',
  'habituationStrength',
  'refractoryShare',
  'refractoryRows',
] as const satisfies readonly (keyof StreamSettings)[]

export interface Sensitivity {
  readonly setting: string
  readonly value: number
  /** Score when the setting alone is moved by -25 % and by +25 %. */
  readonly less: number
  readonly more: number
}

/** How the score moves with each setting. */
export function sensitivities(
  files: readonly NabFile[],
  forest: SurpriseForest | undefined,
  log: (line: string) => void,
): Sensitivity[] {
  const scoreWith = (change: Partial<StreamSettings>): number =>
    scoreNab(detectNab(files, forest, { ...STREAM_SETTINGS, ...change })).score
  return STUDIED.map((setting) => {
    const value = STREAM_SETTINGS[setting]
    const less = scoreWith({ [setting]: value * 0.75 })
    const more = scoreWith({ [setting]: value * 1.25 })
    log(`${setting}: ${less.toFixed(1)} and ${more.toFixed(1)}`)
    return { setting, value, less, more }
  })
}

export interface Fold {
  readonly chosenOn: string
  /** The settings that scored best there, out of a grid around and far from ours. */
  readonly chosen: Partial<StreamSettings>
  readonly chosenScore: number
  /** Score of the other half with the chosen settings and its own best threshold, as the benchmark scores. */
  readonly heldOut: number
  /** The same with the threshold of the chosen half, too. */
  readonly heldOutFixedThreshold: number
}

/** What cross-validation may choose from. */
const GRID = {
  shiftRows: [36, 72, 144],
  longRows: [1000, 2000, 4000],
  habituationStrength: [0.4, 0.5, 0.6, 0.7],
} as const

/**
 * Chooses settings and threshold on one half of the categories, and scores the other half; then the other way about. The
 * halves are the categories by name, every second one.
 */
export function crossValidate(
  files: readonly NabFile[],
  forest: SurpriseForest | undefined,
  log: (line: string) => void,
): Fold[] {
  const categories = [...new Set(files.map(({ category }) => category))].sort()
  const half = (file: NabFile): number => categories.indexOf(file.category) % 2
  const candidates = GRID.shiftRows.flatMap((shiftRows) =>
    GRID.longRows.flatMap((longRows) =>
      GRID.habituationStrength.map((habituationStrength) => ({ shiftRows, longRows, habituationStrength })),
    ),
  )
  const scored = candidates.map((change) => {
    const results = detectNab(files, forest, { ...STREAM_SETTINGS, ...change })
    const parts = [0, 1].map((part) => results.filter((_, index) => halfOf(files, half, index) === part))
    return { change, parts, halves: parts.map((part) => scoreNab(part)) }
  })
  return [0, 1].flatMap((part) => {
    const best = scored.reduce((a, b) =>
      (b.halves[part]?.score ?? 0) > (a.halves[part]?.score ?? 0) ? b : a,
    )
    const own = best.halves[part]
    const other = best.halves[1 - part]
    if (own === undefined || other === undefined) return []
    const fixed = scoreNab(best.parts[1 - part] ?? [], NAB_STANDARD, own.threshold)
    const chosenOn = categories.filter((_, index) => index % 2 === part).join(', ')
    log(`chosen on ${chosenOn}: ${other.score.toFixed(1)} on the others`)
    return [
      {
        chosenOn,
        chosen: best.change,
        chosenScore: own.score,
        heldOut: other.score,
        heldOutFixedThreshold: fixed.score,
      },
    ]
  })
}

function halfOf(files: readonly NabFile[], half: (file: NabFile) => number, index: number): number {
  const file = files[index]
  return file === undefined ? -1 : half(file)
}
