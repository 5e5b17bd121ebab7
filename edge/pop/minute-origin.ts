import { ORIGIN_MEASURES, type OriginLoad } from '../control/origin-metrics.ts'

/** Sums and numbers of what was reported of one series, by measure. */
export type OriginRow = readonly [series: number, sums: readonly number[], counts: readonly number[]]

/** Series of all origins together. */
export const ALL_ORIGINS = -1

/** What origins reported in one minute, by series: a module's index, or `ALL_ORIGINS`. */
export class MinuteOrigin {
  #series = new Map<number, { readonly sums: number[]; readonly counts: number[] }>()

  constructor(rows: readonly OriginRow[] = []) {
    for (const [series, sums, counts] of rows) this.#merge(series, sums, counts)
  }

  add(series: number, load: OriginLoad): void {
    const values = ORIGIN_MEASURES.map((measure) => load[measure])
    this.#merge(
      series,
      values.map((value) => (Number.isFinite(value) ? value : 0)),
      values.map((value) => (Number.isFinite(value) ? 1 : 0)),
    )
  }

  /** Means of the minute; NaN where nothing was reported. */
  mean(series: number): OriginLoad {
    const of = (index: number) => {
      const { sums = [], counts = [] } = this.#series.get(series) ?? {}
      return (sums[index] ?? 0) / (counts[index] ?? 0)
    }
    return { cpu: of(0), memory: of(1), dbQueue: of(2), dbQueueShare: of(3), messageQueue: of(4) }
  }

  rows(): OriginRow[] {
    return [...this.#series].map(([series, { sums, counts }]) => [series, sums, counts])
  }

  remap(indexOf: (index: number) => number): void {
    const rows = this.rows()
    this.#series = new Map()
    for (const [series, sums, counts] of rows)
      this.#merge(series === ALL_ORIGINS ? series : indexOf(series), sums, counts)
  }

  #merge(series: number, sums: readonly number[], counts: readonly number[]): void {
    const kept = this.#series.get(series)
    const plus = (values: readonly number[], before: readonly number[] = []) =>
      ORIGIN_MEASURES.map((_, index) => (values[index] ?? 0) + (before[index] ?? 0))
    this.#series.set(series, { sums: plus(sums, kept?.sums), counts: plus(counts, kept?.counts) })
  }
}
