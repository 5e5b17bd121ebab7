import { messageOf } from '../../contract/errors.ts'
import type { TimeScale } from '../../contract/ports.ts'
import { type MetricSource, metricSources } from '../control/metric-sources.ts'
import {
  MAX_REPORT_BYTES,
  type OriginLoad,
  type OriginReport,
  parseOriginReport,
  together,
} from '../control/origin-metrics.ts'
import type { RouteTable } from '../control/route-table.ts'
import type { Reach } from './preflight.ts'

/** Between two looks at the origins: of trace time, and of wall time at least. */
const EVERY_MS = 10_000
const EVERY_WALL_MS = 1000
const LIMIT_MS = 1000

/** What the origins reported: by the name of each module they answer for, and all of them together. */
export interface OriginReading {
  readonly modules: ReadonlyMap<string, OriginLoad>
  readonly total: OriginLoad
}

/** The last report of one address. */
export interface OriginState extends MetricSource {
  readonly load: OriginLoad | null
  /** Why there is no load; null when there is one. */
  readonly error: string | null
}

/** Asks the origins that report on themselves how they are. Whatever they answer, it never throws. */
export class OriginWatch {
  readonly #reach: Reach
  readonly #everyMs: number
  readonly #isWhole: boolean
  #askedAtMs = Number.NEGATIVE_INFINITY
  #busy = false
  #states: readonly OriginState[] = []

  /** @param scale a replay that carries only a part of the trace's requests asks nobody: their load is not the trace's */
  constructor(reach: Reach, scale: TimeScale) {
    this.#reach = reach
    this.#everyMs = Math.max(EVERY_WALL_MS, EVERY_MS / scale.speed)
    this.#isWhole = scale.weight === scale.speed
  }

  get states(): readonly OriginState[] {
    return this.#states
  }

  /** Asks, when it is time to; null when it is not, or nobody is to be asked. Settles within about a second. */
  async tick({ policy, vector }: RouteTable, wallMs: number): Promise<OriginReading | null> {
    const waitedMs = wallMs - this.#askedAtMs
    if (this.#busy || (waitedMs >= 0 && waitedMs < this.#everyMs)) return null
    this.#askedAtMs = wallMs
    this.#busy = true
    try {
      const sources = metricSources(policy, vector)
      this.#states = await Promise.all(sources.map((source) => this.#ask(source)))
    } finally {
      this.#busy = false
    }
    return readingOf(this.#states)
  }

  async #ask(source: MetricSource): Promise<OriginState> {
    const report = this.#isWhole
      ? await read(this.#reach, source)
      : refused('not asked: this replay carries only a part of the load')
    return { ...source, load: report.ok ? report.load : null, error: report.ok ? null : report.reason }
  }
}

function readingOf(states: readonly OriginState[]): OriginReading | null {
  const known = states.flatMap(({ load, modules }) => (load === null ? [] : [{ load, modules }]))
  if (known.length === 0) return null
  return {
    modules: new Map(known.flatMap(({ load, modules }) => modules.map((name) => [name, load] as const))),
    total: together(known.map(({ load }) => load)),
  }
}

async function read(reach: Reach, { target, path }: MetricSource): Promise<OriginReport> {
  if (target === 'self') return refused('the handler that ATLAS wraps can only be asked by the isolates')
  try {
    const response = await reach(target, path, AbortSignal.timeout(LIMIT_MS))
    if (response.ok) return await readBody(response)
    await response.body?.cancel()
    return refused(`it answered ${response.status}`)
  } catch (thrown) {
    const late = thrown instanceof Error && thrown.name === 'TimeoutError'
    return refused(late ? `no answer within ${LIMIT_MS} ms` : messageOf(thrown))
  }
}

async function readBody(response: Response): Promise<OriginReport> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_REPORT_BYTES) return refused(`it is longer than ${MAX_REPORT_BYTES} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return parseOriginReport(text + decoder.decode())
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}
