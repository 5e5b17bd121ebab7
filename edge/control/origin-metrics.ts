import { messageOf } from '../../contract/errors.ts'

/** What an origin can report of itself. `cpu`, `memory` and `dbQueueShare` are 0..1 of what it may use; queues count. */
export const ORIGIN_MEASURES = ['cpu', 'memory', 'dbQueue', 'dbQueueShare', 'messageQueue'] as const
export type OriginMeasure = (typeof ORIGIN_MEASURES)[number]

/** What an origin reports of itself; NaN: it does not say. */
export type OriginLoad = Readonly<Record<OriginMeasure, number>>

/** Longest report that is read. */
export const MAX_REPORT_BYTES = 65_536

type Key = 'cpu' | 'memory' | 'dbQueue' | 'dbQueueCapacity' | 'messageQueue'

/** Names in the text format, and how several samples of one (by labels) make one figure. */
const SAMPLES: Readonly<Record<string, { readonly key: Key; readonly many: 'mean' | 'sum' }>> = {
  atlas_cpu_ratio: { key: 'cpu', many: 'mean' },
  atlas_memory_ratio: { key: 'memory', many: 'mean' },
  atlas_db_queue: { key: 'dbQueue', many: 'sum' },
  atlas_db_queue_capacity: { key: 'dbQueueCapacity', many: 'sum' },
  atlas_message_queue: { key: 'messageQueue', many: 'sum' },
}
const KEYS = Object.values(SAMPLES).map(({ key }) => key)
const NAMES = Object.keys(SAMPLES)
/** A sample of the Prometheus text format 0.0.4: name, labels, value, timestamp. */
const SAMPLE = /^([a-z_]+)(?:\{.*\})?[ \t]+([^ \t{}]+)(?:[ \t]+-?\d+)?$/

export type OriginReport =
  | { readonly ok: true; readonly load: OriginLoad }
  | { readonly ok: false; readonly reason: string }

/**
 * Reads a report: a JSON object with `cpu`, `memory`, `dbQueue`, `dbQueueCapacity`, `messageQueue`, or the same as gauges
 * in the Prometheus text format. What is left out, null, or NaN is not known; other keys are not looked at. Never
 * throws: a report with a figure out of its range, or with none at all, is refused whole.
 */
export function parseOriginReport(text: string): OriginReport {
  try {
    const figures = text.trimStart().startsWith('{') ? fromJson(text) : fromSamples(text)
    for (const [key, value] of figures) {
      const isShare = key === 'cpu' || key === 'memory'
      if (!(value >= 0 && value <= (isShare ? 1 : Number.MAX_SAFE_INTEGER)))
        return refused(`${key} must be ${isShare ? 'from 0 to 1' : 'a count of 0 or more'}, but is ${value}`)
    }
    if (![...figures.keys()].some((key) => key !== 'dbQueueCapacity'))
      return refused(`it has none of cpu, memory, dbQueue, messageQueue (as text: ${NAMES.join(', ')})`)
    const of = (key: Key) => figures.get(key) ?? Number.NaN
    return {
      ok: true,
      load: {
        cpu: of('cpu'),
        memory: of('memory'),
        dbQueue: of('dbQueue'),
        dbQueueShare:
          of('dbQueueCapacity') > 0 ? Math.min(1, of('dbQueue') / of('dbQueueCapacity')) : Number.NaN,
        messageQueue: of('messageQueue'),
      },
    }
  } catch (thrown) {
    return refused(messageOf(thrown))
  }
}

/** Several origins as one: the mean of shares, the sum of queues, of those that say. */
export function together(loads: readonly OriginLoad[]): OriginLoad {
  const of = (measure: OriginMeasure) => {
    const known = loads.map((load) => load[measure]).filter(Number.isFinite)
    if (known.length === 0) return Number.NaN
    const sum = known.reduce((all, value) => all + value, 0)
    return measure === 'dbQueue' || measure === 'messageQueue' ? sum : sum / known.length
  }
  return {
    cpu: of('cpu'),
    memory: of('memory'),
    dbQueue: of('dbQueue'),
    dbQueueShare: of('dbQueueShare'),
    messageQueue: of('messageQueue'),
  }
}

function fromJson(text: string): Map<Key, number> {
  const document = JSON.parse(text) as Readonly<Record<string, unknown>>
  const figures = new Map<Key, number>()
  for (const key of KEYS) {
    const value = Object.hasOwn(document, key) ? document[key] : null
    if (value === null) continue
    if (typeof value !== 'number') throw new TypeError(`${key} must be a number`)
    figures.set(key, value)
  }
  return figures
}

function fromSamples(text: string): Map<Key, number> {
  const found = new Map<string, number[]>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('atlas_')) continue
    const [, name = '', value = ''] = SAMPLE.exec(line.trimEnd()) ?? []
    if (!Object.hasOwn(SAMPLES, name)) continue
    if (value === 'NaN') continue
    found.set(name, [...(found.get(name) ?? []), Number(value)])
  }
  const figures = new Map<Key, number>()
  for (const [name, values] of found) {
    const sample = SAMPLES[name]
    if (sample === undefined) continue
    const sum = values.reduce((all, value) => all + value, 0)
    figures.set(sample.key, sample.many === 'sum' ? sum : sum / values.length)
  }
  return figures
}

function refused(reason: string): OriginReport {
  return { ok: false, reason: reason.slice(0, 200) }
}
