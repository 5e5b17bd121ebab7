import type { CrashRecord, MinuteRecord, ModeChange, ReplayRecord } from './record.ts'

/** How well +5 min was forecast, against what was sent. */
export interface ForecastError {
  readonly n: number
  /** Sum of absolute errors over the sum of actuals. */
  readonly wape: number
  /** The same of saying "as now". */
  readonly persistenceWape: number
  /** Share of actuals within p10 to p90. */
  readonly inside: number
}

/** A threshold that the plan crosses, and when the PoP moved for it. */
export interface Surge {
  readonly mode: 'HYBRID' | 'LOOSE'
  readonly thresholdRps: number
  /** Trace minute at which the plan's rate crosses the threshold after the warm-up. */
  readonly crossedAt: number
  /** The change that answered it; null when none did. */
  readonly change: ModeChange | null
  /** Trace minutes by which the change came before the crossing; negative = after it. */
  readonly aheadMinutes: number | null
}

export interface Report {
  readonly forecast: ForecastError | null
  readonly surges: readonly Surge[]
  readonly totals: {
    readonly sent: number
    readonly ok: number
    readonly refused: number
    readonly shed: number
    readonly errors: number
  }
}

const HORIZON = 5

/** What a record says, in figures. */
export function reportOf(
  record: ReplayRecord,
  thresholds: { hybridEnterRps: number; looseEnterRps: number },
): Report {
  const sum = (pick: (minute: MinuteRecord) => number) =>
    record.minutes.reduce((total, minute) => total + pick(minute), 0)
  return {
    forecast: forecastError(record),
    surges: [
      ...surgeOf(record, 'HYBRID', thresholds.hybridEnterRps),
      ...surgeOf(record, 'LOOSE', thresholds.looseEnterRps),
    ],
    totals: {
      sent: sum(({ sent }) => sent),
      ok: sum(({ ok }) => ok),
      refused: sum(({ refused }) => refused),
      shed: sum(({ shed }) => shed),
      errors: sum(({ errors }) => errors),
    },
  }
}

/** A forecast made at the end of minute m is of the minute that ends at m + 5. */
function forecastError({ forecasts, minutes, plan }: ReplayRecord): ForecastError | null {
  const pairs = forecasts.flatMap((forecast) => {
    const now = Math.round(forecast.madeAt)
    const actual = minutes[now + HORIZON - 1]
    const last = minutes[now - 1]
    return actual && last && now >= plan.warmupMinutes
      ? [{ forecast, actual: actual.actual, last: last.actual }]
      : []
  })
  const total = pairs.reduce((sum, { actual }) => sum + actual, 0)
  if (total === 0) return null
  const wape = (guess: (pair: (typeof pairs)[number]) => number) =>
    pairs.reduce((sum, pair) => sum + Math.abs(guess(pair) - pair.actual), 0) / total
  return {
    n: pairs.length,
    wape: wape(({ forecast }) => forecast.p50),
    persistenceWape: wape(({ last }) => last),
    inside:
      pairs.filter(({ forecast, actual }) => actual >= forecast.p10 && actual <= forecast.p90).length /
      pairs.length,
  }
}

const LOOSENESS: Readonly<Record<string, number>> = { TIGHT: 0, HYBRID: 1, LOOSE: 2 }

/** The first crossing after the warm-up, from below. */
function surgeOf(
  { plan, changes, endedAt = plan.minutes }: ReplayRecord,
  mode: 'HYBRID' | 'LOOSE',
  thresholdRps: number,
): Surge[] {
  const step = 1 / 60
  let minute = plan.warmupMinutes
  while (minute < plan.minutes && plan.rps(minute) > thresholdRps) minute += step
  while (minute < plan.minutes && plan.rps(minute) <= thresholdRps) minute += step
  if (minute >= Math.min(plan.minutes, endedAt)) return []
  const wanted = LOOSENESS[mode] ?? 0
  const up = changes.filter(
    ({ from, to }) => (LOOSENESS[to] ?? 0) >= wanted && (LOOSENESS[from] ?? 0) < wanted,
  )
  const change =
    up.findLast((each) => each.minute <= minute && staysUntil(changes, each, minute, wanted)) ??
    up.find((each) => each.minute > minute)
  return [
    {
      mode,
      thresholdRps,
      crossedAt: minute,
      change: change ?? null,
      aheadMinutes: change ? minute - change.minute : null,
    },
  ]
}

/** Whether the mode that a change brought was still there at a later minute. */
function staysUntil(
  changes: readonly ModeChange[],
  change: ModeChange,
  minute: number,
  wanted: number,
): boolean {
  return !changes.some(
    (each) => each.minute > change.minute && each.minute <= minute && (LOOSENESS[each.to] ?? 0) < wanted,
  )
}

/** The report as text, for the terminal and for `report.txt`. */
export function reportText(record: ReplayRecord, report: Report): string {
  const { plan, speed, divisor, seed, latency } = record
  const { totals } = report
  const share = (count: number) =>
    `${count.toLocaleString('en-US')} (${((100 * count) / Math.max(1, totals.sent)).toFixed(2)} %)`
  const rows: [string, string][] = [
    ['plan', plan.about],
    [
      'scale',
      `${plan.minutes} trace minutes, ${speed} × faster, 1 request for ${divisor.toPrecision(3)} a second, seed ${seed}`,
    ],
    ['forecast', forecastLine(report.forecast)],
    ...report.surges.map((surge): [string, string] => ['surge', surgeLine(surge)]),
    ['modes', modesLine(record)],
    ...record.crashes.map((crash): [string, string] => ['crash', crashLine(crash, speed)]),
    [
      'requests',
      `sent ${totals.sent.toLocaleString('en-US')} · ok ${share(totals.ok)} · refused (4xx) ${share(totals.refused)}`,
    ],
    [
      '',
      `shed ${share(totals.shed)} · errors ${share(totals.errors)}${record.notSent > 0 ? ` · not sent (too many open) ${record.notSent}` : ''}`,
    ],
    [
      'latency',
      `p50 ${latency.p50Ms.toFixed(1)} ms · p99 ${latency.p99Ms.toFixed(1)} ms · highest ${latency.maxMs.toFixed(0)} ms, from when a request was due to its last byte`,
    ],
  ]
  if (record.internalErrors > 0) rows.push(['', `ATLAS failed open ${record.internalErrors} times`])
  const head =
    record.endedAt === undefined
      ? ''
      : ` (partial: ended at minute ${record.endedAt.toFixed(1)} of ${plan.minutes})`
  return `${plan.name}${head}\n${rows.map(([name, text]) => `  ${name.padEnd(9)} ${text}`).join('\n')}\n`
}

function forecastLine(error: ForecastError | null): string {
  if (error === null) return 'none was made after the warm-up'
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  return `+5 min: WAPE ${percent(error.wape)} (saying "as now": ${percent(error.persistenceWape)}), ${percent(error.inside)} of actuals within p10–p90, n = ${error.n}`
}

function surgeLine({ mode, thresholdRps, crossedAt, change, aheadMinutes }: Surge): string {
  const where = `${thresholdRps.toLocaleString('en-US')} RPS crossed at minute ${crossedAt.toFixed(1)}`
  if (change === null || aheadMinutes === null) return `${mode}: ${where}, and no change followed`
  const when =
    aheadMinutes < 0
      ? `followed ${(-aheadMinutes).toFixed(1)} trace minutes late`
      : calledByForecast(change, thresholdRps)
        ? `called ${aheadMinutes.toFixed(1)} trace minutes ahead`
        : `${aheadMinutes.toFixed(1)} trace minutes before, but not by the forecast`
  const predicted =
    change.predictedRps === null ? 'no forecast' : `predicted ${Math.round(change.predictedRps)}`
  return `${mode}: ${where}, ${when} (${change.rule}: measured ${Math.round(change.measuredRps)}, ${predicted})`
}

/** Whether the forecast alone was above the threshold when the change was decided. */
function calledByForecast({ predictedRps, measuredRps }: ModeChange, thresholdRps: number): boolean {
  return predictedRps !== null && predictedRps > thresholdRps && measuredRps <= thresholdRps
}

function modesLine({ samples, changes }: ReplayRecord): string {
  const first = changes[0]?.from ?? samples[0]?.mode ?? 'unknown'
  return [
    `${first}`,
    ...changes.map(({ minute, to, rule }) => `${to} at ${minute.toFixed(1)} (${rule})`),
  ].join(' → ')
}

function crashLine({ minute, module, part, failed, recoveredMs }: CrashRecord, speed: number): string {
  const after =
    recoveredMs === null
      ? 'it did not answer again'
      : failed === 0
        ? 'no request noticed'
        : `good answers again after ${(recoveredMs / 1000).toFixed(2)} s (${((recoveredMs * speed) / 60_000).toFixed(1)} trace minutes)`
  return `${part} killed (-9) at minute ${minute.toFixed(1)}: ${failed} requests of ${module} failed, ${after}; the shop's own supervisor started it again`
}
