import { spread } from './stats.ts'

/** One measured figure. `n` is how many rounds or samples it comes from. */
export interface Result {
  readonly key: string
  readonly value: number
  readonly unit: string
  readonly n: number
  /** Middle half of the rounds, where there are rounds. */
  readonly q1?: number
  readonly q3?: number
}

export interface BenchOptions {
  readonly quick: boolean
  /** Says what is going on; not part of the results. */
  log(line: string): void
}

/** An area of the benchmarks: yields results as they are measured. */
export type Area = (options: BenchOptions) => AsyncIterable<Result>

/** A result from rounds: the median, with its middle half. */
export function fromRounds(key: string, unit: string, rounds: readonly number[]): Result {
  const { median, q1, q3 } = spread(rounds)
  return { key, value: median, unit, n: rounds.length, q1, q3 }
}

/**
 * Interleaved rounds: in each, every contender once, the order turned by one each time, so that drift of the machine
 * falls on all alike. The first round warms up and is thrown away.
 * @returns per contender, the figure of each round
 */
export async function interleave<Name extends string>(
  contenders: Readonly<Record<Name, () => Promise<number> | number>>,
  rounds: number,
  log: (line: string) => void,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round <= rounds; round++) {
    const turn = round % names.length
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const figure = await contenders[name]()
      if (round > 0) figures[name].push(figure)
    }
    log(round === 0 ? 'warmed up' : `round ${round} of ${rounds}`)
  }
  return figures
}

/** Figure by figure, how much of `peer` a contender takes. */
export function ratios(figures: readonly number[], peer: readonly number[]): number[] {
  return figures.map((figure, round) => figure / (peer[round] ?? Number.NaN))
}

export function format(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3
  return value.toFixed(digits)
}

/** The results as a Markdown table. */
export function table(results: readonly Result[]): string {
  const rows = results.map(({ key, value, unit, n, q1, q3 }) => {
    const middle = q1 === undefined || q3 === undefined ? '' : `${format(q1)} – ${format(q3)}`
    return `| \`${key}\` | ${format(value)} | ${unit} | ${middle} | ${n} |`
  })
  return ['| key | median | unit | middle half | n |', '| --- | ---: | --- | --- | ---: |', ...rows].join(
    '\n',
  )
}
