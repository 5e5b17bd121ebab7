import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SurpriseForest } from '../../core-wasm/anomaly/stream-detector.ts'
import type { NabFile } from './nab-corpus.ts'
import { crossValidate, detectNab, sensitivities } from './nab-detection.ts'
import {
  NAB_LOW_FN,
  NAB_LOW_FP,
  NAB_STANDARD,
  type NabScore,
  type ScoredFile,
  scoreNab,
} from './nab-scorer.ts'
import { onlyPeaks, plainForestScores } from './plain-forest.ts'
import { type EvalOptions, markdownTable, type Result } from './report.ts'
import { trainSurpriseForest } from './surprise-forest.ts'

/** Numenta Anomaly Benchmark: our detector with its one setting, beside plain isolation forests and what others published. */
export function* evaluateNab(files: readonly NabFile[], options: EvalOptions): Iterable<Result> {
  const { log, print } = options
  const rows = files.reduce((sum, { values }) => sum + values.length, 0)
  const result = (key: string, value: number, unit = 'score', n = files.length): Result => ({
    key: `nab.${key}`,
    value,
    unit,
    n,
  })
  log('growing the forest on generated traffic')
  const forest = trainSurpriseForest()
  log(`${files.length} files, ${rows} rows`)
  const began = process.hrtime.bigint()
  const detected = detectNab(files, forest)
  const usPerRow = Number(process.hrtime.bigint() - began) / 1000 / rows
  const standard = scoreNab(detected, NAB_STANDARD)
  const withoutForest = scoreNab(detectNab(files, undefined)).score

  print(
    `\nNAB, standard profile, one setting and one threshold for all files: ${standard.score.toFixed(1)}\n`,
  )
  print(categoryTable(files, standard))
  yield result('standard', standard.score)
  yield result('reward_low_fp', scoreNab(detected, NAB_LOW_FP).score)
  yield result('reward_low_fn', scoreNab(detected, NAB_LOW_FN).score)
  yield result('standard_without_forest', withoutForest)
  yield result('us_per_row', usPerRow, 'µs', rows)

  const baselines = options.quick ? [] : plainForests(files, log)
  const published = readPublished(options.dataDir)
  const others = [...baselines, ...published].sort((a, b) => b.score - a.score)
  print(
    `\n${markdownTable(
      ['detector', 'standard'],
      [
        ['ATLAS', standard.score],
        ['ATLAS without its forest', withoutForest],
        ...others.map((one) => [one.name, one.score]),
      ],
    )}`,
  )
  print(`\n${usPerRow.toFixed(1)} µs a row, forest included`)
  for (const { key, score } of baselines) yield result(key, score)
  if (!options.quick) yield* study(files, forest, options)
}

function* study(
  files: readonly NabFile[],
  forest: SurpriseForest,
  { log, print }: EvalOptions,
): Iterable<Result> {
  const moved = sensitivities(files, forest, log)
  print(
    `\nEach setting moved alone\n\n${markdownTable(
      ['setting', 'value', '-25 %', '+25 %'],
      moved.map(({ setting, value, less, more }) => [setting, String(value), less, more]),
    )}`,
  )
  const folds = crossValidate(files, forest, log)
  print(
    `\nSettings chosen on one half of the categories, scored on the other (36 candidates)\n\n${markdownTable(
      ['chosen on', 'chosen', 'there', 'other half', 'with the threshold of the first'],
      folds.map((fold) => [
        fold.chosenOn,
        Object.entries(fold.chosen)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
        fold.chosenScore,
        fold.heldOut,
        fold.heldOutFixedThreshold,
      ]),
    )}`,
  )
  for (const { setting, less, more } of moved) {
    yield { key: `nab.sensitivity.${setting}.minus25`, value: less, unit: 'score', n: files.length }
    yield { key: `nab.sensitivity.${setting}.plus25`, value: more, unit: 'score', n: files.length }
  }
  for (const [index, fold] of folds.entries()) {
    yield { key: `nab.held_out.${index + 1}`, value: fold.heldOut, unit: 'score', n: files.length }
    yield {
      key: `nab.held_out_fixed_threshold.${index + 1}`,
      value: fold.heldOutFixedThreshold,
      unit: 'score',
      n: files.length,
    }
  }
}

function categoryTable(files: readonly NabFile[], { files: scores }: NabScore): string {
  const categories = [...new Set(files.map(({ category }) => category))].sort()
  const rows = categories.map((category) => {
    const own = scores.filter((_, index) => files[index]?.category === category)
    const sum = (of: (one: (typeof own)[number]) => number): number =>
      own.reduce((total, one) => total + of(one), 0)
    const windows = sum((one) => one.windows)
    const share = windows === 0 ? Number.NaN : (50 * sum((one) => one.raw + one.windows)) / windows
    return [category, own.length, windows, sum((one) => one.found), sum((one) => one.falseRows), share]
  })
  return markdownTable(['category', 'files', 'windows', 'found', 'false alarms', 'score'], rows)
}

interface Other {
  readonly key: string
  readonly name: string
  readonly score: number
}

function plainForests(files: readonly NabFile[], log: (line: string) => void): Other[] {
  const scored = (mode: 'probation' | 'expanding'): ScoredFile[] => {
    log(`plain isolation forest, ${mode}`)
    return files.map((file) => ({ ...file, scores: plainForestScores(file.values, mode) }))
  }
  const once = scored('probation')
  const again = scored('expanding')
  const peaks = again.map((file) => ({ ...file, scores: onlyPeaks(Float64Array.from(file.scores)) }))
  const other = (key: string, name: string, part: readonly ScoredFile[]): Other => ({
    key,
    name: `${name}, ours`,
    score: scoreNab(part).score,
  })
  return [
    other('plain_forest', 'plain forest fitted once', once),
    other('plain_forest_refit', 'plain forest refitted', again),
    other('plain_forest_refit_refractory', 'plain forest refitted, refractory', peaks),
  ]
}

/** Scores of `nab-baselines.json` on the visible files; none where the folder has no such file. */
function readPublished(dataDir: string): Other[] {
  const file = join(dataDir, 'nab-baselines.json')
  if (!existsSync(file)) return []
  const { reproduced = {}, baselines = {} } = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    Record<string, { visible_std?: number }>
  >
  return Object.entries({ ...reproduced, ...baselines }).flatMap(([name, { visible_std: score }]) =>
    score === undefined ? [] : [{ key: name, name: `${name}, as given`, score }],
  )
}
