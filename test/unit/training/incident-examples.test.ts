import { describe, expect, it } from 'vitest'
import { exportModel } from '../../../central/train/export.ts'
import { ForecastSession } from '../../../central/train/forecast-session.node.ts'
import { furtherSources } from '../../../central/train/further-sources.ts'
import { FORECASTER_SHAPE } from '../../../central/train/network.ts'
import { referenceOf } from '../../../central/train/reference.ts'
import { normal } from '../../../central/train/sampling.ts'
import type { TrafficSeries } from '../../../central/train/traffic-series.ts'
import { trainForecaster } from '../../../central/train/train-forecaster.node.ts'
import { HORIZONS } from '../../../contract/model/series-forecaster.ts'
import { seededRandom } from '../../../contract/ports.ts'

/** An overload: the rate climbs to six times what it was, stays a while, breaks down, and is as before after 25 minutes. */
function overload(seed: number, level: number, rampMin: number, plateauMin: number): TrafficSeries {
  const random = seededRandom(seed)
  const factor = (minute: number) => {
    if (minute < 0) return 1
    if (minute < rampMin) return 6 ** (minute / rampMin)
    if (minute < rampMin + plateauMin) return 6
    return minute < rampMin + plateauMin + 25 ? 0.15 : 1
  }
  const rps = Float64Array.from({ length: 175 + rampMin + plateauMin }, (_, minute) => {
    return level * factor(minute - 90) * Math.exp(0.05 * normal(random))
  })
  return { name: 'incident', stepS: 60, startMs: Date.UTC(2026, 0, 5, 10), rps }
}

/** Error of a small training over all horizons, as a share of what came, on surges that it has not seen. */
async function errorAfter(
  examples: readonly TrafficSeries[],
  unseen: readonly TrafficSeries[],
): Promise<number> {
  const { parameters } = await trainForecaster({
    seed: 1,
    epochs: 0.2,
    batch: 64,
    learningRate: 1.5e-3,
    generated: { series: 8, days: 3 },
    traces: [],
    further: furtherSources([], examples),
    report: () => undefined,
  })
  const session = await ForecastSession.open(exportModel(FORECASTER_SHAPE, parameters, 'int8'))
  let [error, actual] = [0, 0]
  for (const series of unseen) {
    const reference = await referenceOf(session, series)
    for (const { key, minutes } of HORIZONS)
      reference.forEach((forecast, origin) => {
        const came = series.rps[origin + minutes]
        if (forecast === null || came === undefined) return
        error += Math.abs(forecast[key].p50 - came)
        actual += came
      })
  }
  await session.release()
  return error / actual
}

describe('recorded incidents as examples (seed 1)', () => {
  it('lower the error on other surges of their kind: another size, another pace', async () => {
    const unseen = [overload(11, 40, 20, 15), overload(12, 900, 25, 12)]
    const without = await errorAfter([], unseen)
    const withExamples = await errorAfter([overload(1, 100, 20, 15), overload(2, 300, 22, 14)], unseen)
    expect(withExamples).toBeLessThan(0.95 * without)
  }, 120_000)
})

describe('sources of what PoPs recorded', () => {
  it('draw minutes by the root of their length, and incidents far more often than by theirs', () => {
    const series = (size: number) => ({ name: 's', stepS: 60, startMs: 0, rps: new Float64Array(size) })
    const [long, short, one, other] = furtherSources(
      [series(40_000), series(10_000)],
      [series(150), series(300)],
    )
    expect([long?.share, short?.share].map((share) => share?.toFixed(3))).toEqual(['0.333', '0.167'])
    expect([one?.share, other?.share]).toEqual([0.125, 0.125])
    expect([long?.usable, one?.usable]).toEqual([40_000, 150])
    expect(furtherSources([], [])).toEqual([])
  })
})
