import { type BestF1, bestAdjustedF1, bestF1 } from './detection-score.ts'
import { scoreMachine, scorePlainly, suspectHits } from './machine-detection.ts'
import type { Machine } from './machines.ts'
import { type EvalOptions, markdownTable, type Result } from './report.ts'

interface MachineFigures {
  readonly name: string
  readonly rows: number
  readonly ours: BestF1
  readonly plain: BestF1
  readonly adjusted: BestF1
  readonly plainAdjusted: BestF1
  readonly hits: ReturnType<typeof suspectHits>
  readonly usPerRow: number
}

/** SMD and ASD, fitted on the train part without labels: ours beside a plain isolation forest. */
export function* evaluateMachines(
  machines: readonly Machine[],
  { log, print }: EvalOptions,
): Iterable<Result> {
  const figures = machines.map((machine) => {
    log(`${machine.name}: ${machine.train.count} rows fit, ${machine.test.count} test`)
    return measure(machine)
  })
  print(
    `\nSMD, ASD: best-threshold F1, row by row (plain: isolation forest on the values, 100 trees of 256)\n\n${markdownTable(
      [
        'machine',
        'F1',
        'precision',
        'recall',
        'plain F1',
        'F1 point-adjusted',
        'plain point-adjusted',
        'µs a row',
      ],
      figures.map((one) => [
        one.name,
        one.ours.f1,
        one.ours.precision,
        one.ours.recall,
        one.plain.f1,
        one.adjusted.f1,
        one.plainAdjusted.f1,
        one.usPerRow,
      ]),
      3,
    )}`,
  )
  print(
    `\nSuspected features against those noted to be at fault (first = the first suspect is at fault)\n\n${markdownTable(
      ['machine', 'faults', 'first', 'in first three', 'hit rate @100 %'],
      figures.map(({ name, hits }) => [name, hits.faults, hits.first, hits.firstThree, hits.share]),
      2,
    )}`,
  )
  yield* figures.flatMap((one) => {
    const result = (key: string, value: number, unit = 'share', n = one.rows): Result => ({
      key: `smd.${key}.${one.name}`,
      value,
      unit,
      n,
    })
    return [
      result('f1', one.ours.f1),
      result('f1_plain', one.plain.f1),
      result('f1_pa', one.adjusted.f1),
      result('f1_pa_plain', one.plainAdjusted.f1),
      result('hit_first', one.hits.first, 'share', one.hits.faults),
      result('hit_first_three', one.hits.firstThree, 'share', one.hits.faults),
      result('hit_rate_100', one.hits.share, 'share', one.hits.faults),
    ]
  })
}

function measure(machine: Machine): MachineFigures {
  const scored = scoreMachine(machine)
  const plain = scorePlainly(machine)
  return {
    name: machine.name,
    rows: machine.test.count,
    ours: bestF1(scored.scores, machine.labels),
    plain: bestF1(plain, machine.labels),
    adjusted: bestAdjustedF1(scored.scores, machine.labels),
    plainAdjusted: bestAdjustedF1(plain, machine.labels),
    hits: suspectHits(machine, scored),
    usPerRow: scored.usPerRow,
  }
}
