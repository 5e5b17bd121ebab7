import type { Adapted, AdaptedHorizon } from '../../contract/model/adapted.ts'
import { type ForecastQuantiles, levelOf } from '../../contract/model/forecast-window.ts'
import {
  inputOf,
  type Moment,
  numberFor,
  REGRESSION_INPUTS,
  type Regression,
} from '../../contract/model/regression.ts'
import { seasonalView } from '../../contract/model/seasonal-features.ts'
import { SeasonalMemory } from '../../contract/model/seasonal-memory.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS } from '../../contract/model/series-forecaster.ts'
import { seededRandom } from '../../contract/ports.ts'
import { fitLine } from './absolute-line.ts'
import { BOOSTING, type BoostingData, boost } from './boosting.ts'
import { historyAt, type TrafficSeries } from './traffic-series.ts'

/** With fewer rows a series has no regressions of its own. */
const LEAST_ROWS = 500
/** A line is fitted to about so many rows. */
const LINE_ROWS = 15_000

/**
 * What is fitted to each horizon. They differ in what they read and in what their error is measured, so that they err
 * apart: rates and changes weigh an hour by its traffic, relative ones more evenly; some know the past, some only the window.
 */
const FORMS = [
  { by: 'trees', reads: 'lags', answers: 'rate' },
  { by: 'trees', reads: 'lags', answers: 'change' },
  { by: 'trees', reads: 'lags', answers: 'relative' },
  { by: 'trees', reads: 'lagsAndView', answers: 'change' },
  { by: 'trees', reads: 'view', answers: 'relative' },
  { by: 'trees', reads: 'viewAndReference', answers: 'missed' },
  { by: 'line', reads: 'linear', answers: 'relative' },
  { by: 'line', reads: 'linearAndReference', answers: 'missed' },
] as const
type Form = (typeof FORMS)[number]

/**
 * Fits a series' own regressions, for each horizon that its step allows, to its first `usable` samples: boosted trees
 * and lines of least absolute error. All are believed alike at first; the forecaster's mix learns which to believe. The
 * same input gives the same regressions.
 * @param referenceAt the reference's forecast at a sample; null where it has none
 */
export function adapt(
  series: TrafficSeries,
  usable: number,
  referenceAt: (origin: number) => ForecastQuantiles | null,
  options = { seed: 1, boosting: BOOSTING },
): Adapted {
  const horizons: { -readonly [Key in keyof Adapted['horizons']]: AdaptedHorizon } = {}
  HORIZONS.forEach(({ key, minutes }) => {
    const ahead = (minutes * 60) / series.stepS
    if (!Number.isInteger(ahead)) return
    const known = momentsOf(series, usable, ahead, key, referenceAt)
    if (known.length < LEAST_ROWS) return
    const trust = Array.from({ length: FORMS.length + 1 }, () => 1 / (FORMS.length + 1))
    horizons[key] = {
      regressions: FORMS.map((form, at) => regressionOf(form, known, { ...options, at })),
      trust,
    }
  })
  return { v: 1, stepS: series.stepS, horizons }
}

interface Known {
  readonly moment: Moment
  readonly target: number
}

/** What was known at each sample whose target is within the usable ones. */
function momentsOf(
  series: TrafficSeries,
  usable: number,
  ahead: number,
  key: keyof ForecastQuantiles,
  referenceAt: (origin: number) => ForecastQuantiles | null,
): Known[] {
  const known: Known[] = []
  const memory = new SeasonalMemory(series.stepS)
  const first = Math.max(LOOKBACK - 1, Math.min(86_400 / series.stepS, usable / 4))
  for (let origin = 0; origin + ahead < usable; origin++) {
    const now = series.rps[origin] ?? Number.NaN
    memory.learn(series.startMs + (origin + 1) * series.stepS * 1000, now)
    const target = series.rps[origin + ahead] ?? Number.NaN
    const reference = origin < first ? null : referenceAt(origin)
    if (reference === null || Number.isNaN(now) || Number.isNaN(target)) continue
    const history = historyAt(series, origin)
    const level = levelOf(history)
    const view = seasonalView(history, memory, level, ahead * series.stepS)
    known.push({ moment: { history, view, reference, key, level }, target })
  }
  return known
}

function regressionOf(
  { by, reads, answers }: Form,
  known: readonly Known[],
  { seed, boosting, at }: { seed: number; boosting: typeof BOOSTING; at: number },
): Regression {
  const random = seededRandom(seed + at)
  const data = dataOf({ reads, answers }, known)
  if (by === 'trees') return { reads, answers, trees: boost(data, boosting, random) }
  const rows = [...known.keys()].filter(() => random.next() < LINE_ROWS / known.length)
  return { reads, answers, line: fitLine(data, rows) }
}

function dataOf({ reads, answers }: Pick<Form, 'reads' | 'answers'>, known: readonly Known[]): BoostingData {
  const columns = REGRESSION_INPUTS[reads]
  const x = new Float32Array(known.length * columns)
  known.forEach(({ moment }, row) => {
    x.set(inputOf(reads, moment), row * columns)
  })
  const isRelative = answers === 'relative' || answers === 'missed'
  return {
    columns,
    x,
    y: Float64Array.from(known, ({ moment, target }) => numberFor(target, answers, moment)),
    weight: Float64Array.from(known, ({ moment }) => (isRelative ? moment.level : 1)),
  }
}
