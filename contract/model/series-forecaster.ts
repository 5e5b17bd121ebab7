import type { Quantiles } from '../messages.ts'
import type { Adapted, AdaptedHorizon, RegressionInput } from './adapted.ts'
import { sumOfTrees } from './boosted-trees.ts'
import { ExpertMix, type ExpertMixState } from './expert-mix.ts'
import { type ForecastQuantiles, fromRelative, levelOf, toRelative } from './forecast-window.ts'
import { Holt, type HoltState } from './holt.ts'
import { Interval, type IntervalState } from './interval.ts'
import { raiseForecast } from './rise.ts'
import { seasonalView } from './seasonal-features.ts'
import { SeasonalMemory, type SeasonalMemoryState } from './seasonal-memory.ts'
import { LOOKBACK, type SeriesHistory } from './series.ts'

export const HORIZONS = [
  { key: 'in5', minutes: 5 },
  { key: 'in15', minutes: 15 },
  { key: 'in60', minutes: 60 },
] as const

/** Rolling errors at +5 min, in requests a second: exponentially weighted means over about six hours of minutes. */
export interface RollingError {
  /** Forecasts whose truth is known. */
  readonly known: number
  readonly champion: number
  readonly reference: number
  /** Of saying what was a day before the target; NaN in the first day. */
  readonly seasonalNaive: number
}

interface Pending {
  readonly targetMs: number
  readonly horizon: number
  readonly answers: readonly number[]
  /** Of the mix, before a rise raised it. */
  readonly given: Quantiles
  readonly published: number
  readonly reference: number
  readonly naive: number
}

/** What a series' forecaster remembers. Serialisable. */
export interface SeriesForecasterState {
  readonly endMs: number
  readonly memory: SeasonalMemoryState
  readonly holts: readonly HoltState[]
  readonly mixes: readonly ExpertMixState[]
  readonly intervals: readonly IntervalState[]
  readonly pending: readonly Pending[]
  readonly rolling: RollingError
}

const HOLT_RATES = [0.3, 0.8]
/** Experts of a series without and with regressions of its own: reference, two Holts, the last rate, mean, season (, regressions). */
const PRIOR = [0.7, 0.06, 0.06, 0.06, 0.06, 0.06]
/** Of a series with regressions: what the others begin with; the rest is shared by reference and regressions. */
const OTHERS = [0.02, 0.04, 0.02, 0.01, 0.01]
const ROLLING_STEPS = 360
const DAY_MS = 86_400_000
const NAIVE_HALF_S = 150

/**
 * Forecasts of one series by everything that knows of it: the reference model, exponential smoothing, the last rate, the
 * mean of the window, its own last week, and, where they were fitted, regressions. They are mixed by recent error, per
 * horizon; the interval is widened or narrowed until it holds four in five. Pure and strictly online: a step learns from
 * the samples that came since the last one, then forecasts.
 */
export class SeriesForecaster {
  readonly #stepS: number
  readonly #adapted: Adapted['horizons']
  readonly #memory: SeasonalMemory
  readonly #holts: readonly Holt[]
  readonly #mixes: readonly ExpertMix[]
  readonly #intervals: readonly Interval[]
  #endMs: number
  #pending: Pending[]
  #rolling: RollingError

  /** @param options.adapted regressions of this series; those of another step are left out */
  constructor(stepS: number, options: { state?: SeriesForecasterState; adapted?: Adapted } = {}) {
    const { state, adapted } = options
    this.#stepS = stepS
    this.#adapted = adapted?.stepS === stepS ? adapted.horizons : {}
    this.#memory = new SeasonalMemory(stepS, state?.memory)
    this.#holts = HOLT_RATES.map((rate, at) => new Holt(rate, state?.holts[at]))
    this.#mixes = HORIZONS.map(({ key }, at) => new ExpertMix(priorOf(this.#adapted[key]), state?.mixes[at]))
    this.#intervals = HORIZONS.map((_, at) => new Interval(state?.intervals[at]))
    this.#endMs = state?.endMs ?? Number.NEGATIVE_INFINITY
    this.#pending = [...(state?.pending ?? [])]
    this.#rolling = state?.rolling ?? { known: 0, champion: 0, reference: 0, seasonalNaive: Number.NaN }
  }

  /** Trace time up to which samples are known; -Infinity before the first. */
  get endMs(): number {
    return this.#endMs
  }

  get rolling(): RollingError {
    return this.#rolling
  }

  /** Learns from samples of a history that came since the last call, without a forecast. */
  observe(history: SeriesHistory): void {
    const { rps, endMs, stepS } = history
    for (let at = 0; at < rps.length; at++) {
      const sampleEndMs = endMs - (rps.length - 1 - at) * stepS * 1000
      if (sampleEndMs <= this.#endMs) continue
      this.#learn(sampleEndMs, rps[at] ?? Number.NaN)
    }
    this.#endMs = Math.max(this.#endMs, endMs)
  }

  /** The forecast at the history's end, from the reference's. */
  step(history: SeriesHistory, reference: ForecastQuantiles): ForecastQuantiles {
    this.observe(history)
    const level = levelOf(history)
    const asked = (each: Pending) => each.targetMs - (HORIZONS[each.horizon]?.minutes ?? 0) * 60_000
    this.#pending = this.#pending.filter((each) => asked(each) !== history.endMs)
    const mixed = HORIZONS.map(({ key }, horizon) => {
      const answers = this.#answers(history, reference, level, horizon)
      const median = this.#mixes[horizon]?.mean(answers) ?? reference[key].p50
      return {
        answers,
        given: this.#intervals[horizon]?.around(median, reference[key], level) ?? reference[key],
      }
    })
    const [in5, in15, in60] = mixed.map(({ given }) => given) as [Quantiles, Quantiles, Quantiles]
    const published = raiseForecast({ in5, in15, in60 }, history)
    HORIZONS.forEach(({ key, minutes }, horizon) => {
      const { answers = [], given = reference[key] } = mixed[horizon] ?? {}
      const targetMs = history.endMs + minutes * 60_000
      const naive = this.#memory.mean(
        targetMs - DAY_MS - NAIVE_HALF_S * 1000,
        Math.max(NAIVE_HALF_S, this.#stepS / 2),
      )
      const { p50: own } = reference[key]
      this.#pending.push({
        targetMs,
        horizon,
        answers,
        given,
        published: published[key].p50,
        reference: own,
        naive,
      })
    })
    return published
  }

  state(): SeriesForecasterState {
    return {
      endMs: this.#endMs,
      memory: this.#memory.state(),
      holts: this.#holts.map((holt) => holt.state()),
      mixes: this.#mixes.map((mix) => mix.state()),
      intervals: this.#intervals.map((interval) => interval.state()),
      pending: this.#pending,
      rolling: this.#rolling,
    }
  }

  /** What each expert says of a horizon, in the order of the priors. */
  #answers(
    history: SeriesHistory,
    reference: ForecastQuantiles,
    level: number,
    horizon: number,
  ): readonly number[] {
    const { key, minutes } = HORIZONS[horizon] ?? HORIZONS[0]
    const { rps, stepS } = history
    const ahead = Math.max(1, (minutes * 60) / stepS)
    const view = seasonalView(history, this.#memory, level, minutes * 60)
    const smooth = this.#holts[0]?.ahead(1) ?? Number.NaN
    const answers = [
      reference[key].p50,
      ...this.#holts.map((holt) => holt.ahead(ahead)),
      rps.findLast(Number.isFinite) ?? Number.NaN,
      level,
      smooth * Math.exp(Math.min(2, Math.max(-2, view.ratio))),
    ]
    const adapted = this.#adapted[key]
    if (adapted === undefined) return answers
    const inputs: Record<RegressionInput, readonly number[]> = {
      lags: lagFeatures(history),
      view: view.features,
      residual: residualFeatures(view.features, reference, key, level),
    }
    const own = toRelative(reference[key].p50, level)
    const said = adapted.regressions.map(({ reads, trees }) => {
      return fromRelative(sumOfTrees(trees, inputs[reads]) + (reads === 'residual' ? own : 0), level)
    })
    return [...answers, ...said]
  }

  #learn(endMs: number, rps: number): void {
    this.#memory.learn(endMs, rps)
    for (const holt of this.#holts) holt.learn(rps)
    const due = this.#pending.filter(({ targetMs }) => targetMs <= endMs)
    if (due.length === 0) return
    this.#pending = this.#pending.filter(({ targetMs }) => targetMs > endMs)
    if (!Number.isFinite(rps)) return
    for (const each of due) if (each.targetMs === endMs) this.#judge(each, rps)
  }

  #judge({ horizon, answers, given, published, reference, naive }: Pending, actual: number): void {
    this.#mixes[horizon]?.learn(answers, given.p50, actual)
    this.#intervals[horizon]?.learn(given, actual)
    if (horizon !== 0) return
    const { known, ...means } = this.#rolling
    const rate = Math.max(1 / (known + 1), 1 / ROLLING_STEPS)
    const move = (mean: number, answer: number) => {
      const error = Math.abs(answer - actual)
      if (Number.isNaN(error)) return mean
      return Number.isNaN(mean) ? error : mean + rate * (error - mean)
    }
    this.#rolling = {
      known: known + 1,
      champion: move(means.champion, published),
      reference: move(means.reference, reference),
      seasonalNaive: move(means.seasonalNaive, naive),
    }
  }
}

function priorOf(adapted: AdaptedHorizon | undefined): readonly number[] {
  if (adapted === undefined) return PRIOR
  const [reference = 0, ...own] = adapted.trust.map((share) => share * 0.9)
  return [reference, ...OTHERS, ...own]
}

/** What the plain regression reads: every rate of the window as it is, and the time of day. */
export function lagFeatures({ rps, endMs }: SeriesHistory): number[] {
  const day = endMs / DAY_MS
  return [...rps.slice(-LOOKBACK), day - Math.floor(day)]
}

/** What the regression of the reference's misses reads: the view, and what the reference says. */
export function residualFeatures(
  view: readonly number[],
  reference: ForecastQuantiles,
  key: keyof ForecastQuantiles,
  level: number,
): number[] {
  const { p10, p90 } = reference[key]
  const rates = [reference.in5.p50, reference.in15.p50, reference.in60.p50, p10, p90]
  return [...view, ...rates.map((rate) => toRelative(rate, level))]
}
