import type { FaultMetric } from '../../contract/alert.ts'
import type { ModuleHistory, ModuleWindows } from './module-metrics.ts'
import { type Amounts, amountsBeyond, type NormalOptions, normalBehaviour } from './normal-behaviour.ts'

/** What is known of one module in one metric during the anomaly. */
export type Excess =
  /** Measured in both periods. */
  | ({ readonly kind: 'measured'; readonly counted: boolean } & Amounts)
  /** Not measured now, or not in this metric: an anomaly may have passed through unseen. */
  | { readonly kind: 'missing' }
  /** Called now, hardly ever before: it has no normal behaviour to deviate from. */
  | { readonly kind: 'new' }

const MISSING: Excess = { kind: 'missing' }

export interface ExcessOptions extends NormalOptions {
  /** A module called this many times more often than the front door's traffic accounts for is new. */
  readonly newGrowth: number
}

/**
 * Sorts what is known of a module in one metric.
 * @param history undefined = the module is only known from calls
 * @param frontGrowth by how much the front door's traffic grew
 */
function excessOf(
  history: ModuleHistory | undefined,
  metric: FaultMetric,
  frontGrowth: number,
  options: ExcessOptions,
): Excess {
  if (history === undefined) return MISSING
  if (growth(history) > options.newGrowth * Math.max(1, frontGrowth)) return { kind: 'new' }
  const normal = normalBehaviour(history, metric, options)
  if (normal === null) return MISSING
  const during = amountsBeyond(history.during, metric, normal)
  if (!during.amounts.some(Number.isFinite)) return MISSING
  return { kind: 'measured', counted: normal.counted, ...during }
}

/** How many times more calls a module gets in a window than ordinarily; 0 when it gets none. */
export function growth({ normal, during }: ModuleHistory): number {
  const counted = [normal, during].every(({ requests }) => Array.from(requests).some(Number.isFinite))
  const now = callsPerWindow(during, counted)
  return now > 0 ? now / callsPerWindow(normal, counted) : 0
}

/** Mean requests of a window, or, where they are not counted, the share of windows in which there were any. */
function callsPerWindow(windows: ModuleWindows, counted: boolean): number {
  const { requests, latencyMs, failureRate } = windows
  const length = Math.max(requests.length, latencyMs.length, failureRate.length)
  let calls = 0
  for (let window = 0; window < length; window++) {
    const measured = Number.isFinite(latencyMs[window]) || Number.isFinite(failureRate[window])
    calls += counted ? finiteOr0(requests[window]) : measured ? 1 : 0
  }
  return length > 0 ? calls / length : 0
}

function finiteOr0(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0
}

/**
 * How much of an amount is more than chance: the non-negative garrote, amount × max(0, 1 − (threshold / z)²), where
 * z = amount / scale (Breiman 1995). Continuous, 0 up to `threshold`, all of it for z → ∞; 0 for less than nothing.
 */
function significant(amount: number, scale: number, threshold: number): number {
  if (Number.isNaN(amount)) return amount
  const z = amount / scale
  return z > threshold ? amount * (1 - (threshold / z) ** 2) : 0
}

/** The greatest z of the windows; 0 when nothing was measured or nothing lay above the ordinary. */
export function deviation(excess: Excess): number {
  if (excess.kind !== 'measured') return 0
  const { amounts, scales } = excess
  const deviations = amounts.map((amount, window) => amount / (scales[window] ?? 1)).filter(Number.isFinite)
  return deviations.reduce((greatest, z) => Math.max(greatest, z), 0)
}

/** Each window's part that is more than chance. NaN where not measured. */
export function significantAmounts({ amounts, scales }: Amounts, threshold: number): Float64Array {
  return amounts.map((amount, window) => significant(amount, scales[window] ?? 1, threshold))
}

/** The excess of every module in every metric, worked out when it is first asked for. */
export class ExcessBook {
  readonly #book = new Map<string, Excess>()
  readonly #metrics: ReadonlyMap<string, ModuleHistory>
  readonly #frontGrowth: number
  readonly #options: ExcessOptions

  constructor(front: string, metrics: ReadonlyMap<string, ModuleHistory>, options: ExcessOptions) {
    const history = metrics.get(front)
    this.#metrics = metrics
    this.#frontGrowth = history === undefined ? 1 : growth(history)
    this.#options = options
  }

  of(module: string, metric: FaultMetric): Excess {
    const key = `${metric} ${module}`
    const known = this.#book.get(key)
    if (known !== undefined) return known
    const excess = excessOf(this.#metrics.get(module), metric, this.#frontGrowth, this.#options)
    this.#book.set(key, excess)
    return excess
  }

  /** Requests that the module received while the anomaly lasted; 0 where they were not counted. */
  requestsDuring(module: string): number {
    const requests = this.#metrics.get(module)?.during.requests ?? []
    return Array.from(requests).reduce((sum, window) => sum + finiteOr0(window), 0)
  }
}
