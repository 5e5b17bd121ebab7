import { expect, it } from 'vitest'
import { View } from '../../../central/ingest/view.ts'
import { minuteMetrics } from '../../../central/server/minute-metrics.ts'
import { minute } from './messages.ts'

it('tells calls and loads of the last minute as gauges, and leaves out what is not known', () => {
  const view = new View()
  const rates = { rps: 1, errorRate: 0 }
  const load = { cpu: 0.5, memory: null, dbQueue: 0, dbQueueShare: null, messageQueue: null }
  view.apply(minute('a', 1, { modules: [{ name: 'cart', ...rates, origin: { ...load, memory: 0.9 } }] }), 0)
  view.apply(
    minute('a', 2, {
      modules: [
        { name: 'cart', ...rates, origin: load },
        { name: 'pay', ...rates },
      ],
      calls: [{ caller: 'cart', callee: 'pay', requests: 7 }],
    }),
    0,
  )
  view.apply(minute('b', 1), 0)
  const told = minuteMetrics(view.pops()).map(({ name, samples }) => [name, samples])
  const cart = { pop: 'a', module: 'cart' }
  expect(Object.fromEntries(told)).toEqual({
    atlas_module_calls: [{ labels: { pop: 'a', caller: 'cart', callee: 'pay' }, value: 7 }],
    atlas_module_cpu_ratio: [{ labels: cart, value: 0.5 }],
    atlas_module_memory_ratio: [],
    atlas_module_db_queue: [{ labels: cart, value: 0 }],
    atlas_module_message_queue: [],
  })
})
