import type { ReplayRecord } from './record.ts'

const WIDTH = 1200
const LEFT = 76
const RIGHT = 24
const PLOT_WIDTH = WIDTH - LEFT - RIGHT
const RATE = { top: 84, height: 330 }
const MODE = { top: 436, height: 26 }
const LATENCY = { top: 506, height: 120 }
const FAULTS = { top: 670, height: 70 }
const HEIGHT = 800

const COLOURS = {
  actual: '#1f2937',
  forecast: '#2563eb',
  band: '#bfdbfe',
  threshold: '#9ca3af',
  crash: '#dc2626',
  modes: { TIGHT: '#d1fae5', HYBRID: '#fde68a', LOOSE: '#fca5a5' } as Readonly<Record<string, string>>,
  p50: '#059669',
  p99: '#d97706',
  shed: '#f59e0b',
  errors: '#dc2626',
  warmup: '#f3f4f6',
} as const

type Scale = (value: number) => number

/** The replay as one picture: actual against forecast, modes, latency, shed and errors, over trace minutes. */
export function plotSvg(
  record: ReplayRecord,
  thresholds: { hybridEnterRps: number; looseEnterRps: number },
): string {
  const { plan } = record
  const x: Scale = (minute) => LEFT + (PLOT_WIDTH * minute) / plan.minutes
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="30" font-size="19" font-weight="600">${xmlText(plan.name)}</text>
<text x="${LEFT}" y="50" fill="#4b5563">${xmlText(`${plan.about} · ${record.speed} × faster than life`)}</text>
${ratePanel(record, thresholds, x)}
${modeStrip(record, x)}
${latencyPanel(record, x)}
${faultPanel(record, x)}
${minuteAxis(plan.minutes, x)}
</svg>
`
}

function ratePanel(
  record: ReplayRecord,
  thresholds: { hybridEnterRps: number; looseEnterRps: number },
  x: Scale,
): string {
  const { plan, minutes, forecasts, crashes } = record
  const top = rateCeiling(record, thresholds)
  const y = scaleOf(RATE, top)
  const ahead = forecasts
    .map((forecast) => ({ ...forecast, at: forecast.madeAt + 5 }))
    .filter(({ at }) => at <= plan.minutes)
  const clip = (value: number) => Math.min(value, top)
  const band = [
    ...ahead.map(({ at, p90 }) => `${round(x(at))},${round(y(clip(p90)))}`),
    ...ahead.toReversed().map(({ at, p10 }) => `${round(x(at))},${round(y(clip(p10)))}`),
  ]
  const clipped = ahead
    .filter(({ p50, p90 }) => Math.max(p50, p90) > top)
    .map(({ at }) => {
      const px = round(x(at))
      return `<path d="M${px - 3} ${RATE.top + 7}L${px} ${RATE.top + 1}L${px + 3} ${RATE.top + 7}Z" fill="${COLOURS.forecast}"/>`
    })
  const levels = Object.entries({ HYBRID: thresholds.hybridEnterRps, LOOSE: thresholds.looseEnterRps })
  const lines = levels
    .filter(([, rps]) => rps <= top)
    .map(
      ([mode, rps]) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(rps))}" y2="${round(y(rps))}" stroke="${COLOURS.threshold}" stroke-dasharray="5 4"/>
<text x="${LEFT + 6}" y="${round(y(rps) - 5)}" fill="#6b7280" font-size="12">${mode} above ${rps.toLocaleString('en-US')}</text>`,
    )
  const marks = crashes.map(
    ({ minute, part }) =>
      `<line x1="${round(x(minute))}" x2="${round(x(minute))}" y1="${RATE.top}" y2="${FAULTS.top + FAULTS.height}" stroke="${COLOURS.crash}" stroke-dasharray="2 3"/>
<text x="${round(x(minute) + 5)}" y="${RATE.top + RATE.height - 8}" fill="${COLOURS.crash}" font-size="12">kill -9 ${xmlText(part)}</text>`,
  )
  return `<rect x="${LEFT}" y="${RATE.top}" width="${round(x(plan.warmupMinutes) - LEFT)}" height="${RATE.height}" fill="${COLOURS.warmup}"/>
<text x="${LEFT + 6}" y="${RATE.top + 18}" fill="#6b7280" font-size="12">history fills (warm-up)</text>
${gridOf(RATE, top, 'requests a second')}
${band.length > 0 ? `<polygon points="${band.join(' ')}" fill="${COLOURS.band}" fill-opacity="0.7"/>` : ''}
${lines.join('\n')}
${clipped.join('')}
${path(
  ahead.map(({ at, p50 }) => [x(at), y(clip(p50))]),
  COLOURS.forecast,
  2,
)}
${path(
  minutes.map(({ minute, actual }) => [x(minute + 0.5), y(actual)]),
  COLOURS.actual,
  2,
)}
${marks.join('\n')}
${legend(WIDTH - RIGHT - (clipped.length > 0 ? 560 : 430), 72, [
  [COLOURS.actual, 'actual'],
  [COLOURS.forecast, 'forecast 5 min before'],
  [COLOURS.band, clipped.length > 0 ? 'its p10 to p90 (▲ above the axis)' : 'its p10 to p90'],
])}`
}

/**
 * Highest rate of the axis: the actual's highest and the thresholds that it came near, with room for the forecast up to
 * twice the actual. A forecast above is clipped.
 */
export function rateCeiling(
  { minutes, forecasts }: Pick<ReplayRecord, 'minutes' | 'forecasts'>,
  { hybridEnterRps, looseEnterRps }: { hybridEnterRps: number; looseEnterRps: number },
): number {
  const highest = Math.max(0, ...minutes.map(({ actual }) => actual))
  if (highest === 0) return niceCeiling(looseEnterRps * 1.1)
  const near = [hybridEnterRps, looseEnterRps].map((rps) => rps * 1.1).filter((rps) => rps <= 2 * highest)
  const forecast = Math.min(1.5 * highest, Math.max(0, ...forecasts.map(({ p90 }) => p90)))
  return Math.min(niceCeiling(Math.max(highest * 1.05, ...near, forecast)), 2 * highest)
}

function modeStrip({ samples, plan }: ReplayRecord, x: Scale): string {
  const runs: { mode: string; from: number; to: number }[] = []
  for (const { mode, minute } of samples) {
    const last = runs.at(-1)
    if (last) last.to = minute
    if (last?.mode !== mode) runs.push({ mode, from: Math.max(0, minute), to: minute })
  }
  const last = runs.at(-1)
  if (last) last.to = plan.minutes
  return runs
    .filter(({ from, to }) => to > from)
    .map(({ mode, from, to }) => {
      const [left, right] = [x(Math.max(0, from)), x(Math.min(plan.minutes, to))]
      const label =
        right - left > 50
          ? `<text x="${round((left + right) / 2)}" y="${MODE.top + 17}" text-anchor="middle" font-size="12" font-weight="600">${mode}</text>`
          : ''
      return `<rect x="${round(left)}" y="${MODE.top}" width="${round(right - left)}" height="${MODE.height}" fill="${COLOURS.modes[mode] ?? '#e5e7eb'}"/>${label}`
    })
    .concat(`<text x="${LEFT - 8}" y="${MODE.top + 17}" text-anchor="end" fill="#4b5563">mode</text>`)
    .join('\n')
}

function latencyPanel({ minutes }: ReplayRecord, x: Scale): string {
  const top = niceCeiling(Math.max(1, ...minutes.map(({ p99Ms }) => p99Ms ?? 0)))
  const y = scaleOf(LATENCY, top)
  const line = (pick: (minute: ReplayRecord['minutes'][number]) => number | null, colour: string) =>
    path(
      minutes.flatMap((each): [number, number][] => {
        const value = pick(each)
        return value === null ? [] : [[x(each.minute + 0.5), y(value)]]
      }),
      colour,
      1.5,
    )
  return `${gridOf(LATENCY, top, 'latency, ms')}
${line(({ p99Ms }) => p99Ms, COLOURS.p99)}
${line(({ p50Ms }) => p50Ms, COLOURS.p50)}
${legend(WIDTH - RIGHT - 110, LATENCY.top - 12, [
  [COLOURS.p50, 'p50'],
  [COLOURS.p99, 'p99'],
])}`
}

function faultPanel({ minutes }: ReplayRecord, x: Scale): string {
  const top = niceCeiling(Math.max(1, ...minutes.map(({ shed, errors }) => shed + errors)))
  const y = scaleOf(FAULTS, top)
  const width = Math.max(1, x(1) - x(0) - 1)
  const bars = minutes.flatMap(({ minute, shed, errors }) => [
    bar(x(minute), y(errors), y(0), width, COLOURS.errors),
    bar(x(minute), y(errors + shed), y(errors), width, COLOURS.shed),
  ])
  return `${gridOf(FAULTS, top, 'requests', 2)}
${bars.join('')}
${legend(WIDTH - RIGHT - 150, FAULTS.top - 12, [
  [COLOURS.errors, 'errors'],
  [COLOURS.shed, 'shed'],
])}`
}

function bar(left: number, top: number, bottom: number, width: number, colour: string): string {
  return bottom > top
    ? `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(bottom - top)}" fill="${colour}"/>`
    : ''
}

function minuteAxis(minutes: number, x: Scale): string {
  const step = minutes > 240 ? 60 : 10
  const bottom = FAULTS.top + FAULTS.height
  const ticks = Array.from({ length: Math.floor(minutes / step) + 1 }, (_, index) => index * step)
  return ticks
    .map(
      (minute) =>
        `<text x="${round(x(minute))}" y="${bottom + 18}" text-anchor="middle" fill="#4b5563">${minute}</text>`,
    )
    .concat(
      `<text x="${LEFT + PLOT_WIDTH / 2}" y="${bottom + 40}" text-anchor="middle" fill="#4b5563">trace minutes</text>`,
    )
    .join('\n')
}

function gridOf(
  { top, height }: { top: number; height: number },
  highest: number,
  label: string,
  parts = 4,
): string {
  const rows = Array.from({ length: parts + 1 }, (_, index) => {
    const at = round(top + height - (height * index) / parts)
    const value = (highest * index) / parts
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#e5e7eb"/><text x="${LEFT - 8}" y="${at + 4}" text-anchor="end" fill="#4b5563">${value.toLocaleString('en-US')}</text>`
  })
  const middle = top + height / 2
  return `${rows.join('\n')}
<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle" fill="#4b5563">${label}</text>`
}

function legend(left: number, top: number, entries: readonly (readonly [string, string])[]): string {
  let at = left
  return entries
    .map(([colour, text]) => {
      const here = at
      at += 30 + text.length * 7.2
      return `<rect x="${round(here)}" y="${top - 9}" width="14" height="9" fill="${colour}"/><text x="${round(here + 19)}" y="${top}" fill="#374151">${text}</text>`
    })
    .join('\n')
}

function path(points: readonly (readonly [number, number])[], colour: string, width: number): string {
  if (points.length === 0) return ''
  const steps = points.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${round(px)} ${round(py)}`)
  return `<path d="${steps.join('')}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"/>`
}

function scaleOf({ top, height }: { top: number; height: number }, highest: number): Scale {
  return (value) => top + height - (height * value) / highest
}

/** The next of 1, 2, 4, 5, 6, 8 or 10 times a power of ten: four grid lines then stand at round values. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 4, 6, 8, 10].find((each) => each * power >= value) ?? 10
  return step * power
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function xmlText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
