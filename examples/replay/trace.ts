import { AtlasError } from '../../contract/errors.ts'
import { type Plan, WARMUP_MINUTES } from './plan.ts'

const HEADER = 'timestamp_utc,value'

/** A traffic trace: counts per step on a regular grid; NaN where one is missing. */
export interface Trace {
  readonly startMs: number
  readonly stepS: number
  readonly counts: readonly number[]
}

/**
 * Parses `timestamp_utc,value` lines: a regular grid, a count of requests per step, empty = missing.
 * @throws AtlasError `config/invalid` that names the line
 */
export function parseTrace(text: string, file: string): Trace {
  const lines = text.trimEnd().split(/\r?\n/)
  if (lines[0] !== HEADER)
    throw new AtlasError('config/invalid', `${file} must begin with the line "${HEADER}"`)
  const rows = lines.slice(1).map((line, index) => {
    const [time = '', value = ''] = line.split(',')
    const atMs = Date.parse(time)
    const count = value === '' ? Number.NaN : Number(value)
    if (Number.isNaN(atMs) || count < 0 || (value !== '' && Number.isNaN(count)))
      throw new AtlasError('config/invalid', `${file}: line ${index + 2} is not a time and a count: ${line}`)
    return { atMs, count }
  })
  const [first, second] = rows
  if (!first || !second) throw new AtlasError('config/invalid', `${file} needs at least two rows`)
  const stepS = (second.atMs - first.atMs) / 1000
  const uneven = rows.findIndex(({ atMs }, index) => atMs !== first.atMs + index * stepS * 1000)
  if (stepS <= 0 || uneven >= 0)
    throw new AtlasError('config/invalid', `${file}: line ${uneven + 2} leaves the grid of ${stepS} s`)
  return { startMs: first.atMs, stepS, counts: rows.map(({ count }) => count) }
}

/**
 * The plan of a stretch of a trace, its rates scaled so that the stretch's peak is the wanted one (modes are then those of
 * the policy's thresholds). Without `fromMinute` it is the stretch that rises the most after its warm-up.
 */
export function tracePlan(
  trace: Trace,
  options: { name: string; minutes: number; fromMinute?: number; peakRps: number },
): Plan {
  const { name, peakRps } = options
  const filled = fill(trace.counts)
  const perMinute = 60 / trace.stepS
  const available = Math.floor(filled.length / perMinute)
  const minutes = Math.min(options.minutes, available)
  const from = options.fromMinute ?? steepest(filled, perMinute, minutes)
  if (!(from >= 0 && from + minutes <= available))
    throw new AtlasError('config/invalid', `--from must be 0 to ${available - minutes}, but is ${from}`)
  const offset = Math.round(from * perMinute)
  const stretch = filled.slice(offset, offset + Math.ceil(minutes * perMinute) + 1)
  const peak = Math.max(...stretch)
  const scale = peakRps / peak
  const startMs = trace.startMs + offset * trace.stepS * 1000
  return {
    name,
    about: `minutes ${from} to ${from + minutes} of the trace, from ${new Date(startMs).toISOString()}; rates × ${Math.round(scale * trace.stepS).toLocaleString('en-US')}`,
    startMs,
    minutes,
    warmupMinutes: WARMUP_MINUTES,
    rps: (minute) => scale * (stretch[Math.min(stretch.length - 1, Math.floor(minute * perMinute))] ?? 0),
    crashes: [],
  }
}

/** Missing counts take the last one before them. */
function fill(counts: readonly number[]): number[] {
  let last = counts.find((count) => !Number.isNaN(count)) ?? 0
  return counts.map((count) => {
    if (!Number.isNaN(count)) last = count
    return last
  })
}

/** First minute of the stretch whose mean after the warm-up is highest above its mean in the warm-up. */
function steepest(counts: readonly number[], perMinute: number, minutes: number): number {
  const sums = [0]
  for (const count of counts) sums.push((sums.at(-1) ?? 0) + count)
  const mean = (from: number, to: number) => {
    const [a, b] = [Math.round(from * perMinute), Math.round(to * perMinute)]
    return ((sums[b] ?? 0) - (sums[a] ?? 0)) / Math.max(1, b - a)
  }
  let best = 0
  let bestRise = -1
  for (let from = 0; (from + minutes) * perMinute <= counts.length; from += 1) {
    const before = mean(from, from + WARMUP_MINUTES)
    const rise = before > 0 ? mean(from + WARMUP_MINUTES, from + minutes) / before : 0
    if (rise > bestRise) [best, bestRise] = [from, rise]
  }
  return best
}
