import { RobustScale, type RobustScaleState } from './robust-scale.ts'
import type { TickSummary } from './series.ts'

/** What the detector of ticks sees, in this order. `Z` features are in standard deviations (see RobustScale.z). */
export const ANOMALY_FEATURES = [
  'rpsZ1m',
  'rpsStepZ',
  'errorRate',
  'errorRateZ',
  'unreachableRate',
  'p50Z',
  'p99Z',
  'tailRatioZ',
  'bytesPerRequestZ',
] as const

/** Ticks before the first features: until then nothing is known to compare with. */
export const ANOMALY_WARMUP = 60

/** Serialisable memory of the features: a PoP object resumes with it after a restart. */
export interface AnomalyFeaturesState {
  readonly lastMs: number
  readonly lastLogRps: number
  readonly ticks: number
  readonly scales: readonly RobustScaleState[]
  /** Running means of the deviations of the latency's tail, and of its ratio to the median. */
  readonly lastingTails: readonly number[]
}

/** Time constants of the running scales: log requests, their step, error rate, latencies, bytes. */
const WINDOWS_S = [60, 600, 600, 600, 600, 600, 600] as const
const [RPS_1M, RPS_STEP, ERRORS, P50, P99, TAIL, BYTES] = [0, 1, 2, 3, 4, 5, 6]

/** Standard deviations below which nothing is told from noise, however many requests there are. */
const LEAST = { rate: 0.02, errors: 0.005, latency: 0.02, bytes: 0.05 }
/** Requests at which an error share counts for half: one failure of one request is no crash. */
const HALF_TRUST = 5

/** Of those means: the weight of a tick, and the most that one counts there. A pause of the origin is one tick. */
const TAIL_WEIGHT = 0.3
const TAIL_MOST = 4

/** However long a tick is, a scale remembers at least this many of them. */
const LEAST_TICKS = 20

/**
 * Streaming features of ticks, of all traffic or of one module: each value against a robust running centre and spread of
 * its own past (log requests over a minute, their step, error rate, latencies and their tail's ratio, bytes a
 * request), and the shares of requests that fail and whose origin could not be reached. But for these two nothing is judged
 * by its size alone: what is usual here is ordinary. The time of day is not among them: series of minutes know theirs
 * (core-wasm/anomaly). A tick is compared before it is learnt. Windows are in trace time and at least 20 ticks, so that a
 * compressed replay is seen like live traffic.
 */
export class AnomalyFeatures {
  readonly #scales: readonly RobustScale[]
  readonly #lastingTails: Float64Array
  #lastMs: number
  #lastLogRps: number
  #ticks: number

  constructor(state?: AnomalyFeaturesState) {
    this.#scales = WINDOWS_S.map((_, index) => new RobustScale(state?.scales[index]))
    this.#lastingTails = Float64Array.from([0, 1], (index) => state?.lastingTails?.[index] ?? 0)
    this.#lastMs = state?.lastMs ?? Number.NaN
    this.#lastLogRps = state?.lastLogRps ?? Number.NaN
    this.#ticks = state?.ticks ?? 0
  }

  /**
   * The features of a tick, in the order of ANOMALY_FEATURES, all finite; null while warming (the first 60 ticks) and
   * for a tick without a request rate. What a tick did not measure (NaN) stands at "as usual" and is not learnt.
   */
  push(tick: TickSummary): Float64Array | null {
    if (!Number.isFinite(tick.rps) || !Number.isFinite(tick.atMs)) return null
    const elapsedS = Number.isNaN(this.#lastMs) ? 1 : Math.max(0.001, (tick.atMs - this.#lastMs) / 1000)
    const logRps = Math.log1p(Math.max(0, tick.rps))
    const step = Number.isNaN(this.#lastLogRps) ? Number.NaN : logRps - this.#lastLogRps
    const requests = tick.rps * elapsedS
    const trust = requests / (requests + HALF_TRUST)
    const errorRate = Math.sqrt(trust * share(tick.errorRate))
    const logP50 = positiveLog(tick.p50Ms)
    const logP99 = positiveLog(tick.p99Ms)
    const bytes = positiveLog1p(tick.bytesPerS / tick.rps)
    const sampling = 1 / Math.sqrt(Math.max(1, requests))
    const z = (scale: number, value: number, floor: number): number =>
      this.#compare(scale, value, elapsedS, floor)
    const rateFloor = (scale: number) => Math.max(LEAST.rate, this.#countingNoise(scale, elapsedS))
    const latencyFloor = Math.max(LEAST.latency, 0.5 * sampling)

    const features = Float64Array.of(
      z(RPS_1M, logRps, rateFloor(RPS_1M)),
      z(RPS_STEP, step, Math.SQRT2 * rateFloor(RPS_1M)),
      orZero(errorRate),
      z(ERRORS, errorRate, Math.max(LEAST.errors, 0.5 * sampling)),
      orZero(Math.sqrt(trust * share(tick.unreachableRate))),
      z(P50, logP50, latencyFloor),
      this.#lasting(0, z(P99, logP99, latencyFloor)),
      this.#lasting(1, z(TAIL, logP99 - logP50, latencyFloor)),
      z(BYTES, bytes, Math.max(LEAST.bytes, sampling)),
    )
    this.#lastMs = tick.atMs
    this.#lastLogRps = logRps
    this.#ticks++
    return this.#ticks > ANOMALY_WARMUP ? features : null
  }

  state(): AnomalyFeaturesState {
    return {
      lastMs: this.#lastMs,
      lastLogRps: this.#lastLogRps,
      ticks: this.#ticks,
      scales: this.#scales.map((scale) => scale.state()),
      lastingTails: [...this.#lastingTails],
    }
  }

  #compare(index: number, value: number, elapsedS: number, floor: number): number {
    const scale = this.#scales[index]
    if (scale === undefined) return 0
    const z = scale.z(value, floor)
    const alpha = 1 - Math.exp(-elapsedS / (WINDOWS_S[index] ?? 600))
    scale.learn(value, Math.min(1 / LEAST_TICKS, alpha), floor)
    return z
  }

  #lasting(index: number, z: number): number {
    const mean = this.#lastingTails[index] ?? 0
    const next = mean + TAIL_WEIGHT * (Math.min(TAIL_MOST, Math.max(-TAIL_MOST, z)) - mean)
    this.#lastingTails[index] = next
    return next
  }

  /**
   * Standard deviation that Poisson counts give log(1 + rps) around a scale's centre, at least that of one request a
   * second: the first requests after silence are no surge.
   */
  #countingNoise(index: number, elapsedS: number): number {
    const rps = Math.max(0, Math.expm1(this.#scales[index]?.centre ?? 0))
    return Math.sqrt(Math.max(1, rps) / Math.min(60, elapsedS)) / (1 + rps)
  }
}

function share(value: number): number {
  return Number.isNaN(value) ? Number.NaN : Math.min(1, Math.max(0, value))
}

function positiveLog(ms: number): number {
  return Number.isFinite(ms) && ms >= 0 ? Math.log(ms + 0.01) : Number.NaN
}

/** NaN for what is not a finite number, as of no requests. */
function positiveLog1p(bytes: number): number {
  return Number.isFinite(bytes) ? Math.log1p(Math.max(0, bytes)) : Number.NaN
}

function orZero(value: number): number {
  return Number.isFinite(value) ? value : 0
}
