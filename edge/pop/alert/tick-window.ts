/** One module in one tick. */
export interface ModuleCounts {
  readonly name: string
  readonly requests: number
  /** Answers of 5xx. */
  readonly failures: number
  /** p95 of its latencies; null where there were none. */
  readonly p95Ms: number | null
}

/** Counts of one module over a window: requests, failures, and the mean p95 of its ticks, weighed by requests. */
export type WindowCounts = readonly [requests: number, failures: number, latencyMs: number | null]

/** A few ticks, as one. */
export interface TickWindow {
  readonly startMs: number
  readonly endMs: number
  /** An alert was open in it, or nothing could be judged yet: it is no example of ordinary operation. */
  readonly isOdd: boolean
  readonly modules: Readonly<Record<string, WindowCounts>>
}

/** A window that is still open. Plain JSON. */
export interface OpenWindow extends TickWindow {
  readonly ticks: number
}

/** The window with one more tick. */
export function withTick(
  window: OpenWindow | null,
  tick: { readonly fromMs: number; readonly toMs: number; readonly isOdd: boolean },
  counts: readonly ModuleCounts[],
): OpenWindow {
  const modules = new Map(Object.entries(window?.modules ?? {}))
  for (const { name, requests, failures, p95Ms } of counts) {
    const [before, failed, latency] = modules.get(name) ?? [0, 0, null]
    modules.set(name, [before + requests, failed + failures, weighed(latency, before, p95Ms, requests)])
  }
  return {
    startMs: window?.startMs ?? tick.fromMs,
    endMs: tick.toMs,
    isOdd: (window?.isOdd ?? false) || tick.isOdd,
    ticks: (window?.ticks ?? 0) + 1,
    modules: Object.fromEntries(modules),
  }
}

function weighed(a: number | null, weightOfA: number, b: number | null, weightOfB: number): number | null {
  if (a === null || b === null) return a ?? b
  const weight = weightOfA + weightOfB
  return weight === 0 ? b : (a * weightOfA + b * weightOfB) / weight
}
