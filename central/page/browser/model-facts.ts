import type { Horizon, Pairing } from '../../registry/measured.ts'
import type { Overview } from '../../registry/registry.ts'
import { duration, percent, rate } from './format.ts'
import type { PopState } from './state.ts'
import type { Tile } from './tiles.ts'

const HORIZONS: readonly Horizon[] = ['in5', 'in15', 'in60']
const BUNDLED = 'bundled'
const DAY_MS = 86_400_000
/** From this ratio on central calls for training. */
const DRIFTED = 1.3

/** Which models run, how far the challenger is, and what changed last. */
export function modelFacts(overview: Overview, nowMs: number): Tile[] {
  const { release, pairing } = overview
  const rival = release.challenger ?? release.former
  return [
    { name: 'Champion', ...modelNamed(overview, release.champion) },
    ...(rival === null
      ? [
          {
            name: 'Challenger',
            value: 'none',
            more: 'atlasctl model shadow HASH has one measured beside the champion',
          },
        ]
      : [
          {
            name: release.challenger === null ? 'Former champion' : 'Challenger',
            ...modelNamed(overview, rival),
          },
        ]),
    ...(pairing === null ? [] : [comparison(pairing), otherwise(pairing)]),
    {
      name: 'Last release',
      value: release.version === 0 ? 'none' : `${release.version}, ${release.action}`,
      more:
        release.version === 0
          ? 'every PoP runs the model of its bundle'
          : `${duration(nowMs - release.issuedAtMs)} ago by ${release.by}${release.reason === '' ? '' : `: ${release.reason}`}`,
    },
  ]
}

/** How much of its time in shadow, or on probation, the rival has behind it; null when none is measured. */
export function shadowProgress({
  pairing,
  periods,
}: Overview): { text: string; done: number; of: number } | null {
  if (pairing === null) return null
  const { shadowDays, probationDays } = periods
  const of = pairing.role === 'challenger' ? shadowDays : probationDays
  const days = pairing.shadowMs / DAY_MS
  const what = pairing.role === 'challenger' ? 'in shadow' : 'of probation'
  const unit = of === 1 ? 'day' : 'days'
  return { text: `${figure(days)} of ${figure(of)} ${unit} ${what}`, done: Math.min(days, of), of }
}

/** A row of measured errors for each horizon: champion, rival, share between p10 and p90, forecasts that came true. */
export function errorRows({ horizons }: Pairing): string[][] {
  return HORIZONS.map((horizon) => {
    const { championWape, rivalWape, coverage, count } = horizons[horizon]
    return [`+${horizon.slice(2)} min`, share(championWape), share(rivalWape), share(coverage), rate(count)]
  })
}

export interface PopFacts {
  readonly pop: string
  /** Forecasts, warms up, or why it goes by the reactive rule. */
  readonly forecaster: string
  readonly isReactive: boolean
  /** Mean absolute error at +5 min of the last hours, and that of saying what was a day before. */
  readonly rolling: string
  /** The champion's error of the last day, by horizon. */
  readonly lastDay: string
  readonly drift: string
  readonly hasDrifted: boolean
}

/** What each PoP's forecasts are worth. */
export function popFacts(pops: readonly PopState[], { drift }: Pick<Overview, 'drift'>): PopFacts[] {
  return pops.flatMap(({ pop, second, minutes }) => {
    if (second === null) return []
    const drifted = drift.find((each) => each.pop === pop)
    const recent = HORIZONS.map((horizon) => drifted?.recent[horizon] ?? null)
    const ratio = drifted?.ratio ?? null
    return [
      {
        pop,
        forecaster: forecasterText(second.forecaster),
        isReactive: second.forecaster.kind === 'reactive',
        rolling: rollingText(minutes),
        lastDay: recent.every((wape) => wape === null) ? '–' : `${recent.map(bare).join(' / ')} %`,
        drift: ratio === null ? '–' : `× ${ratio.toFixed(2)}`,
        hasDrifted: ratio !== null && ratio >= DRIFTED,
      },
    ]
  })
}

function forecasterText(forecaster: NonNullable<PopState['second']>['forecaster']): string {
  switch (forecaster.kind) {
    case 'ready':
      return 'forecasts'
    case 'warming':
      return `warming up: ${forecaster.minutes} of ${forecaster.of} minutes`
    case 'reactive':
      return `reactive: ${forecaster.reason}`
  }
}

function rollingText(minutes: PopState['minutes']): string {
  const rolling = minutes.at(-1)?.forecast?.rolling
  if (rolling === undefined || rolling.known === 0) return '–'
  const { champion, seasonalNaive } = rolling
  const beside = seasonalNaive === null ? '' : ` (day before: ${rate(seasonalNaive)})`
  return `${rate(champion)} req/s${beside}`
}

function modelNamed({ models }: Overview, ref: string): Pick<Tile, 'value' | 'more'> {
  if (ref === BUNDLED) return { value: 'bundled', more: "part of the Worker's bundle" }
  const entry = models.find(({ hash }) => hash === ref)
  const cost = entry?.measured ? `, ${entry.measured.windowMs.toFixed(1)} ms a window` : ''
  return { value: entry?.name ?? 'unknown', more: `${ref.slice(0, 12)}${cost}` }
}

function comparison({ role, ratio, pops, faults }: Pairing): Tile {
  const name = `Error, ${role} to champion`
  const broken = Object.entries(faults)[0]
  if (broken !== undefined) return { name, value: 'does not run', more: broken.join(': '), tone: 'bad' }
  const more = `mean of the horizons, over ${pops.length} PoP${pops.length === 1 ? '' : 's'}; below 1 it is better`
  if (ratio === null) return { name, value: '–', more: 'none of its forecasts has come true yet' }
  return { name, value: `× ${ratio.toFixed(3)}`, more, tone: ratio < 1 ? 'good' : 'warned' }
}

function otherwise({ asked, differed }: Pairing): Tile {
  const part = asked === 0 ? '' : ` (${percent(differed / asked)})`
  return {
    name: 'Would have decided otherwise',
    value: rate(differed),
    more: `of ${rate(asked)} minutes${part} it asked for another mode`,
  }
}

/** Days, with as many digits as tell something. */
function figure(days: number): string {
  return days < 0.1 ? days.toFixed(3) : String(Number(days.toFixed(1)))
}

function share(inPercent: number | null): string {
  return inPercent === null ? '–' : percent(inPercent / 100)
}

function bare(inPercent: number | null): string {
  return inPercent === null ? '–' : inPercent.toFixed(1)
}
