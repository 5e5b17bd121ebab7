import { FAULT_METRICS, type FaultMetric } from '../../contract/alert.ts'
import type { Callees } from './call-graph.ts'
import { type ExcessBook, significantAmounts } from './excess.ts'

/** A module in one metric: where a walker stands. */
export interface Place {
  readonly module: string
  readonly metric: FaultMetric
}

/** A place where walkers came to rest. */
export interface Resting extends Place {
  /** Share of all walkers, 0..1. */
  readonly share: number
  /** Modules from the front door to this one, along the calls that most walkers took. */
  readonly path: readonly string[]
}

export interface WalkOptions {
  /** z below which an amount counts as chance. */
  readonly threshold: number
  /** Least share of the walkers at a place that rests there: no module is ever cleared wholly. */
  readonly leastRest: number
}

interface Step {
  readonly to: Place
  readonly share: number
}

const key = ({ module, metric }: Place): string => `${metric} ${module}`

/**
 * Walks the call graph from the front door, asking at each module whose the excess is.
 *
 * At a place with excess E (amounts beyond the ordinary, window by window, weighted by `weights`) whose callees have
 * the excesses E1, E2 …, a walker
 *   goes on to callee i with probability         Ei / max(E, ΣEi)             (explained by the callee), and
 *   rests with what is left over,                max(0, E − ΣEi) / max(E, ΣEi)  (the module's own).
 * Amounts are additive along synchronous calls: a caller waits as long as its callees wait in all, and fails as often.
 * What is left over in one metric moves to the module's other metric as far as that one is explained by callees: slow
 * callees make callers fail by timeout, failing callees make callers slow by retries.
 * A callee whose requests are not counted, below a caller whose requests are, explains it as far as it deviates beyond
 * chance at all.
 * A module without readings is transparent: its callees stand in for it. One without a normal explains nothing: that
 * it is called at all is its caller's doing.
 */
export class FaultWalk {
  readonly #callees: Callees
  readonly #book: ExcessBook
  readonly #weights: Float64Array
  readonly #options: WalkOptions
  readonly #steps = new Map<string, readonly Step[]>()

  /** @param weights how much each window counts; they sum to 1 */
  constructor(callees: Callees, book: ExcessBook, weights: Float64Array, options: WalkOptions) {
    this.#callees = callees
    this.#book = book
    this.#weights = weights
    this.#options = options
  }

  /** Where walkers who start at the front door come to rest, most walkers first. */
  from(start: Place): Resting[] {
    const rested = new Map<string, number>()
    const places = new Map<string, Place>([[key(start), start]])
    const cameFrom = new Map<string, Place>()
    let walking = new Map<string, number>([[key(start), 1]])
    while (walking.size > 0) {
      const next = new Map<string, number>()
      const most = new Map<string, number>()
      for (const [at, walkers] of walking) {
        const place = places.get(at)
        if (place === undefined) continue
        let resting = walkers
        for (const { to, share } of this.#stepsFrom(place)) {
          const going = walkers * share
          if (going < LEAST_WALKERS) continue
          const there = key(to)
          resting -= going
          next.set(there, (next.get(there) ?? 0) + going)
          if (!places.has(there) || (most.get(there) ?? Number.POSITIVE_INFINITY) < going) {
            places.set(there, to)
            cameFrom.set(there, place)
            most.set(there, going)
          }
        }
        rested.set(at, (rested.get(at) ?? 0) + resting)
      }
      walking = next
    }
    return [...rested]
      .map(([at, share]) => {
        const place = places.get(at) ?? start
        return { ...place, share, path: pathTo(place, cameFrom) }
      })
      .sort((a, b) => b.share - a.share)
  }

  /** A place's excess, weighted by window; null when no window that counts was measured. */
  #excess({ module, metric }: Place): { amount: number; certainty: number; counted: boolean } | null {
    const excess = this.#book.of(module, metric)
    if (excess.kind !== 'measured') return null
    const amount = this.#mean(significantAmounts(excess, this.#options.threshold))
    if (amount === null) return null
    const all = this.#mean(significantAmounts(excess, 0)) ?? 0
    return { amount, certainty: all > 0 ? amount / all : 0, counted: excess.counted }
  }

  /** The weighted mean of the windows that were measured. */
  #mean(amounts: Float64Array): number | null {
    let sum = 0
    let measured = 0
    for (const [window, amount] of amounts.entries()) {
      if (Number.isNaN(amount)) continue
      const weight = this.#weights[window] ?? 0
      sum += weight * amount
      measured += weight
    }
    return measured > 0 ? sum / measured : null
  }

  #stepsFrom(place: Place): readonly Step[] {
    const known = this.#steps.get(key(place))
    if (known !== undefined) return known
    const steps = this.#weigh(place)
    this.#steps.set(key(place), steps)
    return steps
  }

  #weigh(place: Place): Step[] {
    const { flows, explained, whole } = this.#flows(place)
    const other = this.#otherMetric(place)
    const crossing = whole > 0 ? (1 - explained / whole) * this.#explainedShare(other) : 0
    const moving = (whole > 0 ? explained / whole : 0) + crossing
    const damp = Math.min(1, (1 - this.#options.leastRest) / moving)
    const steps: Step[] = []
    for (const [module, amount] of flows)
      steps.push({ to: { module, metric: place.metric }, share: (damp * amount) / whole })
    if (crossing > 0) steps.push({ to: other, share: damp * crossing })
    return steps
  }

  /** What flows to each callee, in all, and out of how much: the place's own excess, or its callees' when greater. */
  #flows(place: Place): { flows: Map<string, number>; explained: number; whole: number } {
    const flows = new Map<string, number>()
    this.#collect(place, place, flows, new Set([place.module]))
    let explained = 0
    for (const amount of flows.values()) explained += amount
    return { flows, explained, whole: Math.max(explained, this.#excess(place)?.amount ?? 0) }
  }

  #collect(from: Place, through: Place, flows: Map<string, number>, passed: Set<string>): void {
    const own = this.#excess(from)
    for (const { callee, requests } of this.#callees.of(through.module)) {
      if (passed.has(callee)) continue
      const there = { module: callee, metric: from.metric }
      if (this.#book.of(callee, from.metric).kind === 'new') continue
      const excess = this.#excess(there)
      if (excess === null) {
        passed.add(callee)
        this.#collect(from, there, flows, passed)
        continue
      }
      const comparable = excess.counted === (own?.counted ?? excess.counted)
      const amount = comparable
        ? excess.amount * this.#shareOfCalls(callee, requests)
        : excess.certainty * (own?.amount ?? 1)
      if (amount > 0) flows.set(callee, Math.max(amount, flows.get(callee) ?? 0))
    }
  }

  /** Share of the callee's requests that came along one edge, 1 where the tap did not count them. */
  #shareOfCalls(callee: string, requests: number | undefined): number {
    const received = this.#book.requestsDuring(callee)
    return requests !== undefined && received > 0 ? Math.min(1, requests / received) : 1
  }

  #otherMetric({ module, metric }: Place): Place {
    return { module, metric: FAULT_METRICS.find((candidate) => candidate !== metric) ?? metric }
  }

  /** How far a place's significant excess is its callees'; 0 where it has none. */
  #explainedShare(place: Place): number {
    if ((this.#excess(place)?.amount ?? 0) <= 0) return 0
    const { explained, whole } = this.#flows(place)
    return explained / whole
  }
}

/** Shares of walkers too small to follow; they rest. */
const LEAST_WALKERS = 1e-9

function pathTo(end: Place, cameFrom: ReadonlyMap<string, Place>): string[] {
  const path = [end.module]
  const seen = new Set([key(end)])
  let place = cameFrom.get(key(end))
  while (place !== undefined && !seen.has(key(place))) {
    seen.add(key(place))
    if (path[0] !== place.module) path.unshift(place.module)
    place = cameFrom.get(key(place))
  }
  return path
}
