import type { Quantiles } from '../messages.ts'
import type { Adapted, AdaptedHorizon } from './adapted.ts'
import { BLEND_CLOCK, blendFeatures, CORRECTION_FEATURES, correctionFeatures } from './correction-features.ts'
import { type ForecastQuantiles, fromRelative, levelOf, toRelative } from './forecast-window.ts'
import { Holt, type HoltState } from './holt.ts'
import { Interval, type IntervalState } from './interval.ts'
import { OnlineLinear, type OnlineLinearState } from './online-linear.ts'
import { ratesOf } from './regression.ts'
import { raiseForecast } from './rise.ts'
import { NO_ROLLING_ERROR, type RollingError, rolledOn } from './rolling-error.ts'
import { seasonalView } from './seasonal-features.ts'
import { SeasonalMemory, type SeasonalMemoryState } from './seasonal-memory.ts'
import type { SeriesHistory } from './series.ts'
import { type Mixed, SpreadMix, type SpreadMixState } from './spread-mix.ts'

export const HORIZONS = [
  { key: 'in5', minutes: 5 },
  { key: 'in15', minutes: 15 },
  { key: 'in60', minutes: 60 },
] as const

/** What a correction was made from. */
interface Correction {
  readonly features: readonly number[]
  /** What it corrects, relative to the level. */
  readonly own: number
}

interface Pending {
  readonly targetMs: number
  readonly horizon: number
  readonly answers: readonly number[]
  readonly mixed: Mixed
  /** Of the reference, and of the regressions where there are any. */
  readonly corrections: readonly Correction[]
  readonly level: number
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
  readonly mixes: readonly SpreadMixState[]
  /** Of the reference, by horizon, and of the regressions. */
  readonly corrections: readonly OnlineLinearState[]
  readonly blends: readonly OnlineLinearState[]
  readonly intervals: readonly IntervalState[]
  readonly pending: readonly Pending[]
  readonly rolling: RollingError
}

const HOLT_RATES = [0.3, 0.8]
/** What the experts begin with: reference, its correction, two Holts, the last rate, mean, season. */
const PRIOR = [0.2, 0.25, 0.15, 0.15, 0.15, 0.05, 0.05]
/**
 * Of a series with regressions: of all but the reference, in the same order, and of the regressions' correction, which is the
 * last; the rest is shared by reference and regressions.
 */
const OTHERS = [0.16, 0.016, 0.032, 0.016, 0.008, 0.008]
const BLEND = 0.2
/** Samples of doubt (see SpreadMix): more of it where regressions were fitted to more than will soon be seen. */
const DOUBT = { plain: 100, adapted: 300 }
const DAY_MS = 86_400_000
const NAIVE_HALF_S = 150

/**
 * Forecasts of one series by everything that knows of it: the reference model, a correction of it that is learnt as the
 * series goes, exponential smoothing, the last rate, the mean of the window, its own last week, and, where they were
 * fitted, regressions. They are mixed by recent error, per horizon; the interval is widened or narrowed until it holds four in five. Pure and strictly online: a step learns from
 * the samples that came since the last one, then forecasts.
 */
export class SeriesForecaster {
  readonly #stepS: number
  readonly #adapted: Adapted['horizons']
  readonly #memory: SeasonalMemory
  readonly #holts: readonly Holt[]
  readonly #mixes: readonly SpreadMix[]
  readonly #corrections: readonly OnlineLinear[]
  readonly #blends: readonly OnlineLinear[]
  readonly #intervals: readonly Interval[]
  #endMs: number
  #pending: Pending[]
  #rolling: RollingError

  /** @param options.adapted regressions of this series; those of another step are left out */
  constructor(stepS: number, options: { state?: SeriesForecasterState; adapted?: Adapted } = {}) {
    const { state, adapted } = options
    // what a build without corrections learnt is of other experts
    const learnt = state !== undefined && 'blends' in state ? state : undefined
    this.#stepS = stepS
    this.#adapted = adapted?.stepS === stepS ? adapted.horizons : {}
    this.#memory = new SeasonalMemory(stepS, state?.memory)
    this.#holts = HOLT_RATES.map((rate, at) => new Holt(rate, state?.holts[at]))
    this.#mixes = HORIZONS.map(({ key }, at) => {
      const own = this.#adapted[key]
      return new SpreadMix(priorOf(own), own === undefined ? DOUBT.plain : DOUBT.adapted, learnt?.mixes[at])
    })
    this.#corrections = HORIZONS.map(
      (_, at) => new OnlineLinear(CORRECTION_FEATURES, learnt?.corrections[at]),
    )
    this.#blends = HORIZONS.map(({ key }, at) => {
      const experts = PRIOR.length + (this.#adapted[key]?.regressions.length ?? 0)
      return new OnlineLinear(experts + BLEND_CLOCK, learnt?.blends[at])
    })
    this.#intervals = HORIZONS.map((_, at) => new Interval(state?.intervals[at]))
    this.#endMs = state?.endMs ?? Number.NEGATIVE_INFINITY
    this.#pending = [...(learnt?.pending ?? [])]
    this.#rolling = state?.rolling ?? NO_ROLLING_ERROR
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
    const made = HORIZONS.map(({ key }, horizon) => {
      const { answers, corrections } = this.#answers(history, reference, level, horizon)
      const mixed = this.#mixes[horizon]?.mix(answers) ?? { answer: Number.NaN, apart: 0 }
      const median = Number.isNaN(mixed.answer) ? reference[key].p50 : mixed.answer
      const given = this.#intervals[horizon]?.around(median, reference[key], level) ?? reference[key]
      return { answers, corrections, level, mixed, given }
    })
    const [in5, in15, in60] = made.map(({ given }) => given) as [Quantiles, Quantiles, Quantiles]
    const published = raiseForecast({ in5, in15, in60 }, history)
    made.forEach((each, horizon) => {
      const { key, minutes } = HORIZONS[horizon] ?? HORIZONS[0]
      const targetMs = history.endMs + minutes * 60_000
      const half = Math.max(NAIVE_HALF_S, this.#stepS / 2)
      this.#pending.push({
        targetMs,
        horizon,
        ...each,
        published: published[key].p50,
        reference: reference[key].p50,
        naive: this.#memory.mean(targetMs - DAY_MS - NAIVE_HALF_S * 1000, half),
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
      corrections: this.#corrections.map((correction) => correction.state()),
      blends: this.#blends.map((blend) => blend.state()),
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
  ): Pick<Pending, 'answers' | 'corrections'> {
    const { key, minutes } = HORIZONS[horizon] ?? HORIZONS[0]
    const { rps, stepS } = history
    const ahead = Math.max(1, (minutes * 60) / stepS)
    const view = seasonalView(history, this.#memory, level, minutes * 60)
    const smooth = this.#holts[0]?.ahead(1) ?? Number.NaN
    const season = smooth * Math.exp(Math.min(2, Math.max(-2, view.ratio)))
    const holts = this.#holts.map((holt) => holt.ahead(ahead))
    const own = toRelative(reference[key].p50, level)
    const features = correctionFeatures(
      view,
      own,
      [...holts, season].map((rate) => toRelative(rate, level)),
    )
    const missed = this.#corrections[horizon]?.answer(features) ?? 0
    const plain = [
      reference[key].p50,
      fromRelative(own + missed, level),
      ...holts,
      rps.findLast(Number.isFinite) ?? Number.NaN,
      level,
      season,
    ]
    const { regressions } = this.#adapted[key] ?? {}
    if (regressions === undefined) return { answers: plain, corrections: [{ features, own }] }
    const moment = { history, view, reference, key, level }
    const said = ratesOf(regressions, moment)
    const relative = [...plain, ...said].map((rate) => toRelative(rate, level))
    const middle = medianOf(relative.slice(plain.length))
    const blend = blendFeatures(view, middle, relative)
    const corrected = fromRelative(middle + (this.#blends[horizon]?.answer(blend) ?? 0), level)
    return {
      answers: [...plain, ...said, corrected],
      corrections: [
        { features, own },
        { features: blend, own: middle },
      ],
    }
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

  #judge(pending: Pending, actual: number): void {
    const { horizon, answers, corrections, level, mixed, given } = pending
    this.#mixes[horizon]?.learn(answers, mixed, actual)
    corrections.forEach(({ features, own }, at) => {
      const learner = (at === 0 ? this.#corrections : this.#blends)[horizon]
      learner?.learn(features, toRelative(actual, level) - own, level)
    })
    this.#intervals[horizon]?.learn(given, actual)
    if (horizon === 0) this.#rolling = rolledOn(this.#rolling, pending, actual)
  }
}

function priorOf(adapted: AdaptedHorizon | undefined): readonly number[] {
  if (adapted === undefined) return PRIOR
  const left = 1 - BLEND - OTHERS.reduce((sum, share) => sum + share, 0)
  const [reference = 0, ...own] = adapted.trust.map((share) => share * left)
  return [reference, ...OTHERS, ...own, BLEND]
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [(sorted.length - 1) >> 1, sorted.length >> 1]
  return ((sorted[low] ?? Number.NaN) + (sorted[high] ?? Number.NaN)) / 2
}
