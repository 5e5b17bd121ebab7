import { readFileSync } from 'node:fs'
import { parseManifest } from '../../contract/model/manifest.ts'
import type { TickSummary } from '../../contract/model/series.ts'
import { type Random, seededRandom } from '../../contract/ports.ts'
import { type AlertState, QUIET, stepAlert } from '../../core-wasm/anomaly/alert.ts'
import { TickDetector, type TickModel } from '../../core-wasm/anomaly/tick-detector.ts'
import { loadCore } from '../../core-wasm/core.ts'
import { Forest } from '../../core-wasm/forest.ts'
import { generateTicks } from '../train/generated-ticks.ts'
import { type EvalOptions, markdownTable, type Result } from './report.ts'

const MODELS = new URL('../../models/', import.meta.url)
const SEED = 99
/** Sites of ordinary traffic with a tick a second: how many, and for how long each. */
const CALM = { sites: 40, ticks: 40_000 }
const QUICK_CALM = { sites: 10, ticks: 40_000 }
/** Each fault begins after an hour and lasts five minutes, on as many sites of at least this mean rate. */
const FAULTY = { sites: 60, calm: 3600, fault: 300, after: 300, leastRps: 3 }
const WEEK_S = 604_800

const FAULTS: Readonly<Record<string, (tick: TickSummary) => TickSummary>> = {
  'errors 30 %': (tick) => ({ ...tick, errorRate: 0.3 }),
  'errors 5 %': (tick) => ({ ...tick, errorRate: Math.max(0.05, tick.errorRate) }),
  'half unreachable': (tick) => ({ ...tick, errorRate: 0.5, unreachableRate: 0.5 }),
  'twice as slow': (tick) => slower(tick, 2),
  'five times as slow': (tick) => slower(tick, 5),
  'tail four times as long': (tick) => ({ ...tick, p99Ms: tick.p99Ms * 4 }),
  'three times the traffic': (tick) => ({ ...tick, rps: tick.rps * 3 }),
  'a quarter of the traffic': (tick) => ({ ...tick, rps: tick.rps / 4 }),
}

/** The detector of ticks with the shipped forest, and its alerts, on generated sites that it was not trained on. */
export async function* evaluateTickAlerts({ quick, print, log }: EvalOptions): AsyncIterable<Result> {
  const manifest = parseManifest(JSON.parse(readFileSync(new URL('manifest.json', MODELS), 'utf8'))).forest
  const bytes = new Uint8Array(readFileSync(new URL(manifest.file.path, MODELS)))
  const model: TickModel = { ...manifest, forest: Forest.load(loadCore(), bytes) }
  const random = seededRandom(SEED)
  const { sites, ticks } = quick ? QUICK_CALM : CALM
  let falseAlerts = 0
  for (let site = 0; site < sites; site++) falseAlerts += opened(model, siteOf(random, ticks, 0)).length
  const weeks = (sites * ticks) / WEEK_S
  log(`${falseAlerts} alerts in ${weeks.toFixed(1)} weeks of ordinary ticks`)
  yield { key: 'alerts.false_per_week', value: falseAlerts / weeks, unit: 'alerts/week', n: sites }

  const rows: (string | number)[][] = []
  for (const [name, fault] of Object.entries(FAULTS)) {
    const delays: number[] = []
    let most = 0
    for (let site = 0; site < FAULTY.sites; site++) {
      const { calm, fault: lasts, after, leastRps } = FAULTY
      const ordinary = siteOf(random, calm + lasts + after, leastRps)
      const faulty = ordinary.map((tick, at) => (at >= calm && at < calm + lasts ? fault(tick) : tick))
      const alerts = opened(model, faulty).filter((at) => at >= calm)
      most = Math.max(most, alerts.length)
      const [first] = alerts
      if (first !== undefined && first < calm + lasts) delays.push(first - calm)
    }
    delays.sort((a, b) => a - b)
    const found = delays.length / FAULTY.sites
    const median = delays[Math.floor(delays.length / 2)] ?? Number.NaN
    rows.push([name, `${(100 * found).toFixed(0)} %`, median, most])
    const key = `alerts.found.${name.replace(' %', '_percent').replaceAll(' ', '_')}`
    yield { key, value: found, unit: 'share of sites', n: FAULTY.sites }
  }
  print(
    `\n${markdownTable(['fault, five minutes', 'found', 'seconds until the alert', 'most alerts'], rows)}\n`,
  )
  print(`false alerts: ${(falseAlerts / weeks).toFixed(1)} a week and series\n`)
}

/** Ticks of one second of a generated site with at least this mean rate. */
function siteOf(random: Random, count: number, leastRps: number): TickSummary[] {
  for (;;) {
    const ticks = generateTicks(random, count)
    const [first, second] = ticks
    const mean = ticks.reduce((sum, { rps }) => sum + rps, 0) / count
    if (first && second && second.atMs - first.atMs === 1000 && mean >= leastRps) return ticks
  }
}

/** Ticks at which alerts opened. */
function opened(model: TickModel, ticks: readonly TickSummary[]): number[] {
  const detector = new TickDetector(model)
  const found: number[] = []
  let state: AlertState = QUIET
  ticks.forEach((tick, at) => {
    const step = stepAlert(state, detector.push(tick)?.score ?? Number.NaN, tick.atMs)
    state = step.state
    if (step.event?.kind === 'opened') found.push(at)
  })
  return found
}

function slower(tick: TickSummary, times: number): TickSummary {
  return { ...tick, p50Ms: tick.p50Ms * times, p99Ms: tick.p99Ms * times }
}
