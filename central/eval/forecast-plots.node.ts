import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Quantiles } from '../../contract/messages.ts'
import { LOOKBACK } from '../../contract/model/series.ts'
import { HORIZONS } from '../../contract/model/series-forecaster.ts'
import { seededRandom } from '../../contract/ports.ts'
import { ForecastSession } from '../train/forecast-session.node.ts'
import { allTraces, dataFolder } from '../train/traces.node.ts'
import type { TrafficSeries } from '../train/traffic-series.ts'
import { forecastsOf, rampSeries } from './forecast-surges.ts'

/**
 * Draws forecasts against what came, as SVG: `node central/eval/forecast-plots.node.ts DIR`. The traces drawn are those
 * whose licences allow it (see docs/forecast.md); the flash sale is generated.
 */
const TRACES = [
  { name: 'nasa_aug95_1m', key: 'in15', days: 2, title: 'NASA-HTTP, August 1995: +15 min' },
  { name: 'azure_vm_deploy_5m', key: 'in60', days: 3, title: 'Azure VM deployments: +60 min' },
  { name: 'servegen_m_large_10m', key: 'in60', days: 4, title: 'ServeGen, large model: +60 min' },
] as const
/** Days before those drawn, in which the forecaster learns. */
const BEFORE_DAYS = 8

const [out = 'docs/forecast'] = process.argv.slice(2)
const folder = resolve(out)
mkdirSync(folder, { recursive: true })
const model = readFileSync(new URL('../../models/forecaster.onnx', import.meta.url))
const session = await ForecastSession.open(new Uint8Array(model))
const data = dataFolder()
const traces = data === null ? [] : allTraces(data)
for (const { name, key, days, title } of TRACES) {
  const trace = traces.find((each) => each.name === name)
  if (trace === undefined) continue
  const perDay = 86_400 / trace.series.stepS
  const series = last(trace.series, (days + BEFORE_DAYS) * perDay)
  await draw(name, title, series, key, days * perDay)
}
const sale = rampSeries({ form: 'factors', minutes: 15 }, 1, seededRandom(1))
await draw('flash-sale', 'A flash sale: 500 to 8,000 RPS in 15 min: +5 min', sale, 'in5', 70)
await session.release()

function last(series: TrafficSeries, samples: number): TrafficSeries {
  const from = Math.max(0, series.rps.length - samples)
  const startMs = series.startMs + from * series.stepS * 1000
  return { name: series.name, stepS: series.stepS, startMs, rps: series.rps.slice(from) }
}

/** The last samples of a series, each with the forecast that was made of it. */
async function draw(
  name: string,
  title: string,
  series: TrafficSeries,
  key: (typeof HORIZONS)[number]['key'],
  samples: number,
): Promise<void> {
  const minutes = HORIZONS.find((horizon) => horizon.key === key)?.minutes ?? 5
  const ahead = (minutes * 60) / series.stepS
  const forecasts = await forecastsOf(session, series)
  const from = series.rps.length - samples
  const rows = Array.from({ length: samples }, (_, at) => ({
    actual: series.rps[from + at] ?? Number.NaN,
    forecast: forecasts[from + at - ahead - LOOKBACK + 1]?.[key],
  }))
  writeFileSync(join(folder, `${name}.svg`), svg(title, rows))
}

function svg(title: string, rows: readonly { actual: number; forecast: Quantiles | undefined }[]): string {
  const [width, height, left, top] = [920, 300, 60, 34]
  const actuals = rows.map(({ actual }) => actual).filter(Number.isFinite)
  const highest = 1.25 * Math.max(...actuals)
  const x = (at: number) => left + ((width - left - 10) * at) / (rows.length - 1)
  const y = (rate: number) => top + (height - top - 20) * (1 - Math.min(rate, highest) / highest)
  const point = (at: number, rate: number) => `${x(at).toFixed(1)},${y(rate).toFixed(1)}`
  const known = rows.flatMap(({ forecast }, at) => (forecast ? [{ at, ...forecast }] : []))
  const band = [
    ...known.map(({ at, p90 }) => point(at, p90)),
    ...known.map(({ at, p10 }) => point(at, p10)).reverse(),
  ]
  const line = (points: readonly string[], colour: string) =>
    `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.2"/>`
  const observed = rows.flatMap(({ actual }, at) => (Number.isFinite(actual) ? [point(at, actual)] : []))
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const rate = share * highest
    const label = rate >= 10 ? Math.round(rate).toLocaleString('en-US') : rate.toFixed(2)
    return `<line x1="${left}" x2="${width - 10}" y1="${y(rate)}" y2="${y(rate)}" stroke="#ddd"/><text x="${left - 6}" y="${y(rate) + 4}" text-anchor="end">${label}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${title}: forecast against actual</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="16" font-size="14">${title}</text>
<text x="${width - 10}" y="16" text-anchor="end"><tspan fill="#333">actual</tspan> · <tspan fill="#c60">p50</tspan> · <tspan fill="#e9b872">p10–p90</tspan> · requests a second</text>
${ticks.join('\n')}
<polygon points="${band.join(' ')}" fill="#f6dcb5" opacity="0.8"/>
${line(observed, '#333')}
${line(
  known.map(({ at, p50 }) => point(at, p50)),
  '#c60',
)}
</svg>
`
}
