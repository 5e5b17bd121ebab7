import { ALERT_MEASURES, type AlertMeasure } from '../../contract/alert.ts'
import { between } from './knots.ts'
import { STREAM_SETTINGS, StreamDetector, type StreamState } from './stream-detector.ts'

/** One series in one minute. */
export interface Reading {
  /** null: all traffic. */
  readonly module: string | null
  readonly measure: AlertMeasure
  /** In the measure's unit (contract/alert.ts); NaN where nothing was measured. */
  readonly value: number
}

/** A reading that left its past. */
export interface Signal extends Reading {
  /** What was usual at this time of day, or of late; null in the first hour. */
  readonly usual: number | null
  /** -log10 of how rare it is, among as many series as are watched. */
  readonly surprise: number
}

export interface SeriesView {
  /** 0..1, as alerts take it. */
  readonly score: number
  /** Readings that are rarer than one in a hundred, the rarest first. */
  readonly signals: readonly Signal[]
}

/** The scale on which a measure is judged, its unit there, and the least difference from the usual that means anything. */
interface MeasureScale {
  readonly to: (value: number) => number
  readonly from: (scaled: number) => number
  readonly resolution: number
  readonly least: number
}

const same = (value: number) => value
const SCALES: Readonly<Record<AlertMeasure, MeasureScale>> = {
  rate: { to: same, from: same, resolution: 1, least: 0.1 },
  errors: { to: same, from: same, resolution: 0.01, least: 0.005 },
  residual: { to: same, from: same, resolution: 0.1, least: 0.1 },
  latency: {
    to: (ms) => Math.log(ms + 0.1),
    from: (scaled) => Math.exp(scaled) - 0.1,
    resolution: 0.05,
    least: 0.05,
  },
}

/**
 * A minute's surprise among all series, and the score it is drawn to. Nominally 3.5 is one minute in 3,000; tails that
 * have seen little are fatter: sixteen series of ordinary traffic pass it about once or twice a week.
 */
const KNOTS = [
  [0, 0],
  [2, 0.5],
  [3.5, 0.7],
  [4.25, 0.85],
  [4.6, 0.9],
  [5, 0.95],
  [7, 1],
] as const
const LEAST_SURPRISE = 2

/** What a watch remembers of each series, by its key: plain JSON, about 12 kB each. */
export type SeriesMemory = ReadonlyMap<string, StreamState>

/**
 * Watches many series by the minute, each with a StreamDetector. The rarest reading decides; its share is multiplied by the
 * number of series (Bonferroni), so that watching more of them does not alarm more often.
 */
export class SeriesWatch {
  readonly #detectors = new Map<string, StreamDetector>()

  constructor(memory: SeriesMemory = new Map()) {
    for (const [key, state] of memory) this.#detectors.set(key, detectorOf(key, state))
  }

  /** Judges one minute's readings by their past, then learns them. Series that are no longer read are forgotten. */
  push(readings: readonly Reading[], atMs: number): SeriesView {
    const keys = new Set(readings.map(keyOf))
    for (const key of this.#detectors.keys()) if (!keys.has(key)) this.#detectors.delete(key)
    const penalty = Math.log10(Math.max(1, keys.size))
    const signals = readings
      .map((reading) => ({ ...reading, ...this.#judge(reading, atMs, penalty) }))
      .filter(({ surprise }) => surprise >= LEAST_SURPRISE)
      .sort((a, b) => b.surprise - a.surprise)
    return { score: between(KNOTS, signals[0]?.surprise ?? 0), signals }
  }

  memory(): SeriesMemory {
    return new Map([...this.#detectors].map(([key, detector]) => [key, detector.state()]))
  }

  #judge(reading: Reading, atMs: number, penalty: number): { usual: number | null; surprise: number } {
    const key = keyOf(reading)
    const detector = this.#detectors.get(key) ?? detectorOf(key)
    this.#detectors.set(key, detector)
    const scale = SCALES[reading.measure]
    const usual = detector.usual(atMs)
    const value = scale.to(reading.value)
    const seen = detector.push(value, atMs)
    const isSlight = usual !== null && Math.abs(value - usual) < scale.least
    return {
      usual: usual === null ? null : scale.from(usual),
      surprise: seen === null || isSlight ? 0 : Math.max(0, seen.rarity - penalty),
    }
  }
}

function keyOf({ module, measure }: Reading): string {
  return `${measure} ${module ?? ''}`
}

function detectorOf(key: string, state?: StreamState): StreamDetector {
  const measure = ALERT_MEASURES.find((each) => key.startsWith(`${each} `)) ?? 'rate'
  const settings = { ...STREAM_SETTINGS, resolution: SCALES[measure].resolution }
  return new StreamDetector({ settings, ...(state && { state }) })
}
