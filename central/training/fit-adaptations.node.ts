import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { adapt } from '../train/adapt.ts'
import { BOOSTING } from '../train/boosting.ts'
import { ForecastSession } from '../train/forecast-session.node.ts'
import { referenceOf } from '../train/reference.ts'
import { FIT_SHARE, measureHeldBack } from './held-back.ts'
import { type FittedAdaptation, readSeries, type TrainingJob } from './job.ts'

const QUICK_ROUNDS = 60

/** Fits one PoP's series beside each reference to the first four fifths of its record, and measures it on the last. */
export async function fitAdaptations(
  { pop, series: written, beside }: TrainingJob['adaptations'][number],
  options: { readonly folder: string; readonly seed: number; readonly quick: boolean },
  report: (line: string) => void,
): Promise<FittedAdaptation[]> {
  const series = readSeries(JSON.parse(readFileSync(join(options.folder, written), 'utf8')))
  const split = Math.floor(series.rps.length * FIT_SHARE)
  const timeOf = (sample: number) => series.startMs + sample * series.stepS * 1000
  const boosting = options.quick ? { ...BOOSTING, rounds: QUICK_ROUNDS } : BOOSTING
  const answers: FittedAdaptation[] = []
  for (const { sha256, file } of beside) {
    report(`${pop}: fitting to ${split} of ${series.rps.length} minutes beside ${sha256.slice(0, 12)}`)
    const session = await ForecastSession.open(new Uint8Array(readFileSync(join(options.folder, file))))
    const reference = await referenceOf(session, series)
    await session.release()
    const referenceAt = (origin: number) => reference[origin] ?? null
    const adapted = adapt(series, split, referenceAt, { seed: options.seed, boosting })
    if (Object.keys(adapted.horizons).length === 0) {
      const reason = `too little is recorded: ${series.rps.length} minutes, about 1,000 are needed`
      answers.push({ pop, beside: sha256, fitted: null, reason })
      continue
    }
    report(`${pop}: measuring on the ${series.rps.length - split} minutes held back`)
    const heldBack = measureHeldBack(series, split, adapted, referenceAt)
    const times = { fromMs: timeOf(0), splitMs: timeOf(split), toMs: timeOf(series.rps.length) }
    const own = `adapted-${pop}-${sha256}.json`
    writeFileSync(join(options.folder, own), JSON.stringify(adapted))
    answers.push({ pop, beside: sha256, fitted: { ...times, heldBack, file: own }, reason: null })
  }
  return answers
}
