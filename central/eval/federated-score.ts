import { type ForecastQuantiles, readForecast, windowFeatures } from '../../contract/model/forecast-window.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS } from '../../contract/model/series-forecaster.ts'
import { seededRandom } from '../../contract/ports.ts'
import { exportModel } from '../train/export.ts'
import { ForecastSession } from '../train/forecast-session.node.ts'
import type { NetworkShape, Parameter } from '../train/network.ts'
import { historyAt } from '../train/traffic-series.ts'
import { REGIONS, type RegionTraffic, regionTraffic } from './federated-regions.ts'

/** Of the ordinary minutes, every so manieth is forecast. */
const ORDINARY_STRIDE = 10
const LONGEST_MIN = 60

/** Events, and traffic without one, as they stand in a score's cells. */
const TRAFFIC = [...REGIONS.map(({ event }) => event.name as string), 'ordinary']
/** Cells of a score, `EVENT.MINUTES`. */
export const CELLS = TRAFFIC.flatMap((name) => HORIZONS.map(({ minutes }) => `${name}.${minutes}`))

/** WAPE in % by cell, and from how many forecasts. */
export type FederatedScore = Readonly<Record<string, { readonly wape: number; readonly n: number }>>

/**
 * Error of a model's p50, in the int8 form that would be shipped, on unseen days of each region with each kind of event: by event over the
 * minutes that lie within one, and over those that have none within the lookback or the longest horizon.
 */
export async function scoreModel(
  shape: NetworkShape,
  parameters: readonly Parameter[],
  test: { readonly days: number; readonly seed: number },
): Promise<FederatedScore> {
  const session = await ForecastSession.open(exportModel(shape, parameters, 'int8'))
  const sums = new Map(CELLS.map((cell) => [cell, { error: 0, actual: 0, n: 0 }]))
  for (const [kind, { event }] of REGIONS.entries()) {
    for (const [at, region] of REGIONS.entries()) {
      const random = seededRandom(1000 * test.seed + 10 * kind + at)
      await addErrors(session, regionTraffic(region, event, test.days, random), event.name, sums)
    }
  }
  await session.release()
  return Object.fromEntries(
    [...sums].map(([cell, { error, actual, n }]) => [cell, { wape: (100 * error) / actual, n }]),
  )
}

/** In how many cells one model's error is below another's: over all events, or over those that a region has not seen. */
export function cellsWon(
  ours: FederatedScore,
  theirs: FederatedScore,
  region?: string,
): [won: number, of: number] {
  const foreign = REGIONS.filter(({ name }) => name !== region).map(({ event }) => event.name)
  const cells = CELLS.filter((cell) => foreign.some((name) => cell.startsWith(`${name}.`)))
  const wape = (score: FederatedScore, cell: string) => score[cell]?.wape ?? Number.NaN
  return [cells.filter((cell) => wape(ours, cell) < wape(theirs, cell)).length, cells.length]
}

async function addErrors(
  session: ForecastSession,
  { series, inEvent }: RegionTraffic,
  event: string,
  sums: ReadonlyMap<string, { error: number; actual: number; n: number }>,
): Promise<void> {
  const last = series.rps.length - LONGEST_MIN
  const origins = inEvent.flatMap((within, origin) => {
    if (origin < LOOKBACK - 1 || origin >= last) return []
    if (within) return [{ origin, name: event }]
    const around = inEvent.slice(origin - LOOKBACK + 1, origin + LONGEST_MIN + 1)
    return origin % ORDINARY_STRIDE === 0 && !around.includes(true) ? [{ origin, name: 'ordinary' }] : []
  })
  const windows = origins.map(({ origin }) => windowFeatures(historyAt(series, origin)))
  const output = await session.run(windows.map(({ features }) => features))
  origins.forEach(({ origin, name }, at) => {
    const forecast: ForecastQuantiles = readForecast(output, windows[at]?.level ?? 0, at)
    for (const { minutes, key } of HORIZONS) {
      const actual = series.rps[origin + minutes] ?? Number.NaN
      const sum = sums.get(`${name}.${minutes}`)
      if (sum === undefined) continue
      sum.error += Math.abs(forecast[key].p50 - actual)
      sum.actual += actual
      sum.n++
    }
  })
}
