import type { MinuteMessage, ReportedOrigin } from '../../contract/messages.ts'
import type { PopView } from '../ingest/view.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface MinuteMetric {
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const LOADS: readonly { readonly name: string; readonly help: string; readonly of: keyof ReportedOrigin }[] =
  [
    { name: 'atlas_module_cpu_ratio', help: 'CPU of the origin that answers for a module', of: 'cpu' },
    { name: 'atlas_module_memory_ratio', help: 'Memory of that origin', of: 'memory' },
    { name: 'atlas_module_db_queue', help: 'Calls that wait for the database there', of: 'dbQueue' },
    { name: 'atlas_module_message_queue', help: 'Messages that wait there', of: 'messageQueue' },
  ]

/** The last minute of each PoP as gauges: calls between modules, and what origins reported. What is not known is left out. */
export function minuteMetrics(pops: readonly PopView[]): MinuteMetric[] {
  const last = pops.flatMap(({ minutes }): MinuteMessage[] => minutes.slice(-1))
  return [
    {
      name: 'atlas_module_calls',
      help: 'Requests of one module to another through the edge, in the last minute',
      samples: last.flatMap(({ pop, calls = [] }) =>
        calls.map(({ caller, callee, requests }) => ({ labels: { pop, caller, callee }, value: requests })),
      ),
    },
    ...LOADS.map(({ name, help, of }) => ({
      name,
      help: `${help}, mean of the last minute`,
      samples: last.flatMap(({ pop, modules }) =>
        modules.flatMap(({ name: module, origin }): Sample[] => {
          const value = origin?.[of] ?? null
          return value === null ? [] : [{ labels: { pop, module }, value }]
        }),
      ),
    })),
  ]
}
