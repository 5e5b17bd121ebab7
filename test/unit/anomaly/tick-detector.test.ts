import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generateTicks } from '../../../central/train/generated-ticks.ts'
import { parseManifest } from '../../../contract/model/manifest.ts'
import type { TickSummary } from '../../../contract/model/series.ts'
import { seededRandom } from '../../../contract/ports.ts'
import {
  TickDetector,
  type TickDetectorState,
  type TickModel,
} from '../../../core-wasm/anomaly/tick-detector.ts'
import { loadCore } from '../../../core-wasm/core.ts'
import { Forest } from '../../../core-wasm/forest.ts'

/** Not the seed that the shipped forest was trained with: these sites are new to it. */
const SEED = 4711
const SITES = 12
const CALM = 1200
const FAULT = 60

const MODELS = new URL('../../../models/', import.meta.url)
const manifest = parseManifest(JSON.parse(readFileSync(new URL('manifest.json', MODELS), 'utf8'))).forest
const forest = Forest.load(loadCore(), new Uint8Array(readFileSync(new URL(manifest.file.path, MODELS))))
const model: TickModel = { ...manifest, forest }

const random = seededRandom(SEED)
const sites = Array.from({ length: SITES }, () => busySite(CALM + FAULT))

/** Ticks of a generated site with enough requests that a fault shows in each tick. */
function busySite(count: number): TickSummary[] {
  for (;;) {
    const ticks = generateTicks(random, count)
    if (ticks.every(({ rps }) => rps >= 5)) return ticks
  }
}

/** Scores of a site's ticks; null while warming. */
const scoresOf = (ticks: readonly TickSummary[], detector = new TickDetector(model)) =>
  ticks.map((tick) => detector.push(tick)?.score ?? null)

const isKnown = (score: number | null) => score !== null

/** The share of sites on which the score is at 0.7 or above in most ticks of the fault's second ten, and what it names. */
function found(fault: (tick: TickSummary) => TickSummary): { share: number; features: Set<string> } {
  const features = new Set<string>()
  const hits = sites.filter((ticks) => {
    const detector = new TickDetector(model)
    for (const tick of ticks.slice(0, CALM)) detector.push(tick)
    const seen = ticks.slice(CALM, CALM + 20).map((tick) => detector.push(fault(tick)))
    const odd = seen.slice(10).filter((anomaly) => (anomaly?.score ?? 0) >= 0.7)
    for (const feature of odd.at(-1)?.features ?? []) features.add(feature)
    return odd.length >= 6
  })
  return { share: hits.length / SITES, features }
}

const NOTHING = {
  errorRate: Number.NaN,
  unreachableRate: Number.NaN,
  p50Ms: Number.NaN,
  p99Ms: Number.NaN,
  bytesPerS: Number.NaN,
}

describe(`detector of ticks, on sites new to its forest (seed ${SEED})`, () => {
  it('says nothing in the first minute of ticks, and then a score for each', () => {
    for (const ticks of sites) {
      const scores = scoresOf(ticks)
      expect(scores.findIndex(isKnown)).toBe(60)
      expect(scores.slice(60).every(isKnown)).toBe(true)
    }
  })

  it('is quiet on ordinary ticks: about one in a hundred is at 0.7 or above', () => {
    const scores = sites.flatMap((ticks) => scoresOf(ticks)).filter(isKnown)
    expect(scores.filter((score) => score >= 0.7).length / scores.length).toBeLessThan(0.03)
    expect(scores.filter((score) => score >= 0.95).length / scores.length).toBeLessThan(0.003)
  })

  it('finds requests that fail', () => {
    const { share, features } = found((tick) => ({ ...tick, errorRate: 0.3 }))
    expect(share).toBe(1)
    expect(features).toContain('errorRateZ')
  })

  it('finds answers that take four times as long', () => {
    const { share, features } = found((tick) => ({ ...tick, p50Ms: 4 * tick.p50Ms, p99Ms: 4 * tick.p99Ms }))
    expect(share).toBeGreaterThanOrEqual(0.9)
    expect(features).toContain('p50Z')
  })

  it('finds a surge to six times the traffic', () => {
    const { share, features } = found((tick) => ({
      ...tick,
      rps: 6 * tick.rps,
      bytesPerS: 6 * tick.bytesPerS,
    }))
    expect(share).toBeGreaterThanOrEqual(0.9)
    expect(features).toContain('rpsZ1m')
  })

  it('finds a crash: nothing can be reached, at once', () => {
    const crash = (tick: TickSummary) => ({ ...tick, errorRate: 1, unreachableRate: 1, p50Ms: 1, p99Ms: 1 })
    const { share, features } = found(crash)
    expect(share).toBe(1)
    expect(features).toContain('unreachableRate')
  })

  it('goes on from its state, as JSON, as if it had never stopped', () => {
    const [ticks = []] = sites
    const kept = new TickDetector(model)
    let resumed = new TickDetector(model)
    for (const tick of ticks.slice(0, 300)) {
      expect(resumed.push(tick)).toEqual(kept.push(tick))
      resumed = new TickDetector(model, JSON.parse(JSON.stringify(resumed.state())) as TickDetectorState)
    }
  })

  it('stays in 0..1 whatever it is given, and is itself again when that has passed', () => {
    const hostile = [
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      -1,
      -1e300,
      1e300,
      Number.MAX_VALUE,
      0,
    ]
    const [ticks = []] = sites
    const keys = ['rps', 'errorRate', 'unreachableRate', 'p50Ms', 'p99Ms', 'bytesPerS', 'atMs'] as const
    for (const key of keys)
      for (const value of hostile) {
        const detector = new TickDetector(model)
        const what = `${key} ${value}`
        const scores = [
          ...scoresOf(
            ticks.slice(0, 5).map((tick) => ({ ...tick, [key]: value })),
            detector,
          ),
          ...scoresOf(ticks.slice(5, 200), detector),
          ...scoresOf(
            ticks.slice(200, 210).map((tick) => ({ ...tick, [key]: value })),
            detector,
          ),
        ].filter(isKnown)
        expect(
          scores.every((score) => score >= 0 && score <= 1),
          what,
        ).toBe(true)
        expect(JSON.parse(JSON.stringify(detector.state())), what).toEqual(detector.state())
        const later = scoresOf(ticks.slice(210, CALM), detector).slice(-60).filter(isKnown)
        expect(later, what).toHaveLength(60)
        expect(Math.max(...later), what).toBeLessThan(1)
        const fault = scoresOf(
          ticks.slice(CALM).map((tick) => ({ ...tick, errorRate: 0.5 })),
          detector,
        )
        expect(Math.max(...fault.filter(isKnown)), what).toBeGreaterThan(0.7)
      }
  })

  it('takes silence for as usual', () => {
    const [ticks = []] = sites
    const detector = new TickDetector(model)
    scoresOf(ticks.slice(0, CALM), detector)
    const silent = ticks.slice(CALM).map(({ atMs, rps }) => ({ ...NOTHING, atMs, rps }))
    for (const score of scoresOf(silent, detector).slice(20)) expect(score).toBeLessThan(0.7)
  })
})
