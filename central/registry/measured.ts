import type { ErrorSums, ModelsState } from '../../contract/models-state.ts'
import type { PopView } from '../ingest/view.ts'

export const HORIZONS = ['in5', 'in15', 'in60'] as const
export type Horizon = (typeof HORIZONS)[number]

/** Forecasts of one horizon that were measured: how many, and the WAPE of each model, in %. Null: nothing came. */
export interface Comparison {
  readonly count: number
  readonly championWape: number | null
  readonly rivalWape: number | null
  /** Share of what came between p10 and p90, in %. */
  readonly coverage: number | null
}

/** The rival beside the champion, over all PoPs that run both under one release. */
export interface Pairing {
  readonly release: number
  readonly rival: string
  readonly role: 'challenger' | 'former'
  readonly pops: readonly string[]
  /** Longest stretch of the series' time that a PoP has measured. */
  readonly shadowMs: number
  readonly horizons: Readonly<Record<Horizon, Comparison>>
  /** Mean over the horizons of rival's error / champion's; below 1 the rival is better. Null: nothing measured. */
  readonly ratio: number | null
  /** Minutes in which the rival was asked what it would do, and those in which that was another mode. */
  readonly asked: number
  readonly differed: number
  /** Why it does not forecast, by PoP. */
  readonly faults: Readonly<Record<string, string>>
}

/** What each PoP last said of its models. */
export function statesOf(pops: readonly PopView[]): { pop: string; atMs: number; models: ModelsState }[] {
  return pops.flatMap(({ pop, minutes }) => {
    const last = minutes.at(-1)
    return last?.models === undefined ? [] : [{ pop, atMs: last.minuteStartMs, models: last.models }]
  })
}

/** Sums what PoPs measured of one rival under one release; null when none runs it. */
export function pairingOf(pops: readonly PopView[], release: number, ref: string): Pairing | null {
  const states = statesOf(pops).flatMap(({ pop, atMs, models }) =>
    models.release === release && models.rival?.ref === ref ? [{ pop, atMs, rival: models.rival }] : [],
  )
  const role = states[0]?.rival.role
  if (role === undefined) return null
  const horizons = byHorizon((horizon) => {
    const parts = states.map(({ rival }) => rival.paired[horizon])
    const sum = (read: (part: (typeof parts)[number]) => number) =>
      parts.reduce((all, part) => all + read(part), 0)
    const actual = sum((part) => part.actual)
    const count = sum((part) => part.count)
    return {
      count,
      championWape: percent(
        sum((part) => part.championError),
        actual,
      ),
      rivalWape: percent(
        sum((part) => part.error),
        actual,
      ),
      coverage: percent(
        sum((part) => part.inside),
        count,
      ),
    }
  })
  const ratios = HORIZONS.flatMap((horizon) => {
    const { championWape, rivalWape } = horizons[horizon]
    return championWape && rivalWape !== null ? [rivalWape / championWape] : []
  })
  return {
    release,
    rival: ref,
    role,
    pops: states.map(({ pop }) => pop),
    shadowMs: Math.max(
      ...states.map(({ atMs, rival }) => (rival.sinceMs === null ? 0 : atMs - rival.sinceMs)),
    ),
    horizons,
    ratio: ratios.length === 0 ? null : ratios.reduce((all, ratio) => all + ratio, 0) / ratios.length,
    asked: states.reduce((all, { rival }) => all + rival.asked, 0),
    differed: states.reduce((all, { rival }) => all + rival.differed, 0),
    faults: Object.fromEntries(
      states.flatMap(({ pop, rival }) => (rival.fault === null ? [] : [[pop, rival.fault]])),
    ),
  }
}

/** The champion's error of the last day against that of all that is kept, for one PoP. */
export interface Drift {
  readonly pop: string
  readonly ref: string
  /** WAPE in %, per horizon. */
  readonly recent: Readonly<Record<Horizon, number | null>>
  readonly baseline: Readonly<Record<Horizon, number | null>>
  /** Mean over the horizons of recent / baseline; 1 is no drift. Null: too little was measured to say. */
  readonly ratio: number | null
}

/** Forecasts of a horizon beyond the last day that a baseline needs: three days of minutes. */
const BASELINE_COUNT = 4_320
const RECENT_COUNT = 360
/** From this ratio on training is called for. */
export const DRIFT_LIMIT = 1.3

/** Drift by PoP: the champion against itself, so that hard traffic is not taken for a change of traffic. */
export function driftOf(pops: readonly PopView[]): Drift[] {
  return statesOf(pops).map(({ pop, models: { champion } }) => {
    const wapes = (part: Record<Horizon, ErrorSums>) =>
      byHorizon((horizon) => percent(part[horizon].error, part[horizon].actual))
    const recent = wapes(champion.recent)
    const baseline = wapes(champion.baseline)
    const ratios = HORIZONS.flatMap((horizon) => {
      const enough =
        champion.recent[horizon].count >= RECENT_COUNT && champion.baseline[horizon].count >= BASELINE_COUNT
      const [now, ever] = [recent[horizon], baseline[horizon]]
      return enough && now !== null && ever ? [now / ever] : []
    })
    return {
      pop,
      ref: champion.ref,
      recent,
      baseline,
      ratio: ratios.length === 0 ? null : ratios.reduce((all, ratio) => all + ratio, 0) / ratios.length,
    }
  })
}

export function byHorizon<T>(read: (horizon: Horizon) => T): Record<Horizon, T> {
  return { in5: read('in5'), in15: read('in15'), in60: read('in60') }
}

function percent(part: number, whole: number): number | null {
  return whole > 0 ? (100 * part) / whole : null
}
