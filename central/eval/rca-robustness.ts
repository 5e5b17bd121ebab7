import { seededRandom } from '../../contract/ports.ts'
import type { ModuleHistory, ModuleWindows } from '../../core-wasm/root-cause/module-metrics.ts'
import { ROOT_CAUSE_DEFAULTS, type RootCauseOptions } from '../../core-wasm/root-cause/rank-root-causes.ts'
import { type Case, scoreCase, share } from './rca-score.ts'
import type { Result } from './report.ts'

/** `rca.sensitivity.SETTING`: the lower top-1 of all cases when a setting is a quarter less or more. */
export function* sensitivity(cases: readonly Case[]): Iterable<Result> {
  for (const setting of Object.keys(ROOT_CAUSE_DEFAULTS) as (keyof RootCauseOptions)[]) {
    const found = [0.75, 1.25].map((factor) =>
      top1(cases, { [setting]: ROOT_CAUSE_DEFAULTS[setting] * factor }),
    )
    yield { key: `rca.sensitivity.${setting}`, value: Math.min(...found), unit: 'share', n: cases.length }
  }
}

/** `rca.without.WHAT`: top-1 of all cases without a part of the method, or of the data. */
export function* ablation(cases: readonly Case[]): Iterable<Result> {
  const n = cases.length
  yield { key: 'rca.without.shrinking', value: top1(cases, { threshold: 0 }), unit: 'share', n }
  yield { key: 'rca.without.leastRest', value: top1(cases, { leastRest: 0 }), unit: 'share', n }
  const endless = { newGrowth: Number.POSITIVE_INFINITY }
  yield { key: 'rca.without.newGrowth', value: top1(cases, endless), unit: 'share', n }
  const uncounted = cases.map((one) => degrade(one, (windows) => ({ ...windows, requests: [] })))
  yield { key: 'rca.without.requests', value: top1(uncounted), unit: 'share', n }
  for (const missing of [0.1, 0.3]) {
    const repeated = Array.from({ length: REPEATS }, (_, seed) => {
      const uniform = seededRandom(seed).next
      return cases.map((one) => degrade(one, (windows) => withHoles(windows, missing, uniform)))
    }).flat()
    const key = `rca.without.${Math.round(missing * 100)}percent`
    yield { key, value: top1(repeated), unit: 'share', n: repeated.length }
  }
}

const REPEATS = 5

function top1(cases: readonly Case[], options: Partial<RootCauseOptions> = {}): number {
  return share(cases, (one) => scoreCase(one, options).rank <= 1)
}

function degrade(one: Case, how: (windows: ModuleWindows) => ModuleWindows): Case {
  const worse = ({ normal, recent, during }: ModuleHistory): ModuleHistory => ({
    normal: how(normal),
    ...(recent === undefined ? {} : { recent: how(recent) }),
    during: how(during),
  })
  return {
    ...one,
    history: new Map([...one.history].map(([module, history]) => [module, worse(history)])),
  }
}

function withHoles(windows: ModuleWindows, missing: number, uniform: () => number): ModuleWindows {
  const holes = (values: ArrayLike<number>) =>
    Array.from(values, (value) => (uniform() < missing ? Number.NaN : value))
  return {
    requests: holes(windows.requests),
    latencyMs: holes(windows.latencyMs),
    failureRate: holes(windows.failureRate),
  }
}
