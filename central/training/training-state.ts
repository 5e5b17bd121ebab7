import type { TrafficSeries } from '../train/traffic-series.ts'

/** What is to be trained, who calls for it, and why. */
export interface TrainingCall {
  readonly trigger: 'demand' | 'schedule' | 'drift'
  readonly by: string
  readonly reason: string
  /** PoPs whose series are to get regressions of their own; null: all that have recorded minutes. */
  readonly pops: readonly string[] | null
  /** A recorded trace in place of the PoP's own minutes; `pops` then names that one PoP. */
  readonly trace?: TrafficSeries
  /** Whether a new reference for all PoPs is trained too. */
  readonly global: boolean
  readonly epochs: number
  readonly quick: boolean
}

/** What became of one series' regressions beside one reference. `ratio`: held-back error with them over that without. */
export interface AdaptationOutcome {
  readonly pop: string
  readonly beside: string
  readonly ratio: number | null
  /** Version that released them; null: they were not published, and `reason` says why. */
  readonly version: number | null
  readonly reason: string
}

export interface TrainingState extends Pick<TrainingCall, 'trigger' | 'by' | 'reason' | 'pops' | 'global'> {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  /** What it said on its way, the last lines of it, and how many there were. */
  readonly lines: readonly string[]
  readonly said: number
  readonly adaptations: readonly AdaptationOutcome[]
  /** The new reference; `reason`: why it is not in shadow, where it is not. */
  readonly model: { readonly hash: string; readonly inShadow: boolean; readonly reason: string } | null
  /** Why it failed; null when it did not. */
  readonly error: string | null
}
