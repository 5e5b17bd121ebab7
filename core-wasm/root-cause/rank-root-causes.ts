import type { FaultMetric } from '../../contract/alert.ts'
import { AtlasError } from '../../contract/errors.ts'
import { Callees, type CallGraph } from './call-graph.ts'
import { deviation, type Excess, ExcessBook, significantAmounts } from './excess.ts'
import { FaultWalk, type Place, type Resting } from './fault-walk.ts'
import type { ModuleHistory } from './module-metrics.ts'

/** One setting for all systems; docs/root-cause.md says how little each matters. */
export interface RootCauseOptions {
  /** z up to which an amount counts as chance. */
  readonly threshold: number
  /** z of an anomaly, beyond what as many readings show by chance. */
  readonly alarm: number
  /** Least share of suspicion that stays with a module whose callees explain everything. */
  readonly leastRest: number
  /** Windows that must have been measured before a module counts as known. */
  readonly minWindows: number
  /** Changes of latency below this share of the ordinary are nobody's fault. */
  readonly leastChange: number
  /** A module called this many times more often than the front door's traffic accounts for is new. */
  readonly newGrowth: number
}

export const ROOT_CAUSE_DEFAULTS: RootCauseOptions = {
  threshold: 2,
  alarm: 3,
  leastRest: 0.05,
  minWindows: 10,
  leastChange: 0.05,
  newGrowth: 10,
}

export interface Suspect {
  readonly module: string
  /** In which metric the module itself is at fault. */
  readonly metric: FaultMetric
  /** Share of the front door's excess that was followed to this module, 0..1; all suspects' shares sum to 1. */
  readonly share: number
  /** Greatest deviation of the module itself, in its own ordinary spreads. */
  readonly deviation: number
  /** From the front door to the suspect; empty where none was followed: then only its own deviation speaks. */
  readonly path: readonly string[]
  /** Callees that this module hardly ever called before: a sign that it has changed. */
  readonly newCallees: readonly string[]
}

export interface Diagnosis {
  /**
   * Whether the front door, or the module that explains it, deviates beyond chance. When `ordinary`, the suspects
   * only say where a slight excess comes from; when `unmeasured`, the front door has no readings.
   */
  readonly verdict: 'anomalous' | 'ordinary' | 'unmeasured'
  /** Greatest deviation of the front door, in its own ordinary spreads. */
  readonly deviation: number
  /** Most suspect first; empty when the front door has no excess at all. */
  readonly suspects: readonly Suspect[]
}

/**
 * Ranks the modules (and the metric) at fault for an anomaly seen at the front door.
 *
 * 1. Each module's windows become amounts beyond its own ordinary level: ms waited, requests failed.
 * 2. What lies within its own ordinary spread is shrunk away (`significant`).
 * 3. Windows count by how much the front door suffers in them.
 * 4. A walk from the front door moves suspicion from callers to the callees that explain them (`FaultWalk`).
 *
 * Kin: graph traversal (Chen et al. 2014; Liu et al. 2021, MicroHECL), of which this is the quantitative form; random
 * walks on call graphs (Kim et al. 2013, MonitorRank), here with probabilities from conserved amounts instead of
 * correlations; anomalies that decrease along causal paths (Orchard et al. 2025, SmoothTraversal).
 *
 * @param front where the anomaly was seen, and in which metric
 * @throws AtlasError `config/invalid` when the front door has no metrics
 */
export function rankRootCauses(
  graph: CallGraph,
  metrics: ReadonlyMap<string, ModuleHistory>,
  front: Place,
  options: Partial<RootCauseOptions> = {},
): Diagnosis {
  const settings = { ...ROOT_CAUSE_DEFAULTS, ...options }
  const history = metrics.get(front.module)
  if (history === undefined)
    throw new AtlasError('config/invalid', `no metrics of the front door ${front.module}`)
  const callees = new Callees(graph, front.module)
  const { modules } = callees
  const book = new ExcessBook(front.module, metrics, settings)
  const seen = book.of(front.module, front.metric)
  const greatest = deviation(seen)
  const windows = Math.max(history.during.latencyMs.length, history.during.failureRate.length)
  const weights = windowWeights(seen, windows, settings.threshold)
  if (weights === null) return { verdict: 'ordinary', deviation: greatest, suspects: [] }
  const walk = new FaultWalk(callees, book, weights, settings)
  const followed = byModule(walk.from(front))
  const reached = new Set(followed.map(({ module }) => module))
  const others = deviating(
    modules.filter((module) => !reached.has(module)),
    front.metric,
    book,
    settings,
  )
  const suspects = [...followed, ...others].map(
    (place): Suspect => ({
      ...place,
      deviation: deviation(book.of(place.module, place.metric)),
      newCallees: callees
        .of(place.module)
        .map(({ callee }) => callee)
        .filter((callee) => book.of(callee, place.metric).kind === 'new'),
    }),
  )
  return {
    verdict: verdictOn(seen, suspects, windows, modules.length, settings),
    deviation: greatest,
    suspects,
  }
}

/**
 * Anomalous when the front door, or the module to which most of its excess was followed, deviates by more than
 * `alarm` after allowing for the number of readings of which it is the greatest: z² > alarm² + 2 ln(readings), the
 * union bound on normal tails.
 */
function verdictOn(
  seen: Excess,
  suspects: readonly Suspect[],
  windows: number,
  modules: number,
  { alarm }: RootCauseOptions,
): Diagnosis['verdict'] {
  if (seen.kind !== 'measured') return 'unmeasured'
  const beyond = (z: number, readings: number) => z ** 2 > alarm ** 2 + 2 * Math.log(readings)
  const [first] = suspects
  const accused = first !== undefined && first.share >= 0.5 && beyond(first.deviation, windows * modules)
  return accused || beyond(deviation(seen), windows) ? 'anomalous' : 'ordinary'
}

/**
 * Windows by the front door's significant excess, else by what excess there is; a window that the front door lacks
 * counts as its mean one. null when it was measured and has no excess.
 */
function windowWeights(seen: Excess, windows: number, threshold: number): Float64Array | null {
  if (seen.kind !== 'measured') return new Float64Array(windows).fill(1 / windows)
  for (const least of [threshold, 0]) {
    const excess = significantAmounts(seen, least)
    const measured = excess.filter(Number.isFinite)
    const sum = measured.reduce((total, amount) => total + amount, 0)
    if (sum <= 0) continue
    const mean = sum / measured.length
    return excess.map((amount) => (Number.isNaN(amount) ? mean : amount) / (mean * excess.length))
  }
  return null
}

/** Modules that deviate although no excess could be followed to them, most deviating first. */
function deviating(
  modules: readonly string[],
  metric: FaultMetric,
  book: ExcessBook,
  { threshold }: RootCauseOptions,
): Resting[] {
  return modules
    .map((module) => ({ module, metric, share: 0, path: [], z: deviation(book.of(module, metric)) }))
    .filter(({ z }) => z > threshold)
    .sort((a, b) => b.z - a.z)
    .map(({ z: _, ...resting }) => resting)
}

/** One entry a module, in its more suspect metric, with the shares of both. */
function byModule(restings: readonly Resting[]): Resting[] {
  const modules = new Map<string, Resting>()
  for (const resting of restings) {
    const known = modules.get(resting.module)
    modules.set(
      resting.module,
      known === undefined ? resting : { ...known, share: known.share + resting.share },
    )
  }
  return [...modules.values()].sort((a, b) => b.share - a.share)
}
