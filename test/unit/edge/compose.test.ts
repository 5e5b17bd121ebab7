import { describe, expect, it } from 'vitest'
import type { Exchange, Step } from '../../../edge/middleware/exchange.ts'
import { compose } from '../../../edge/pipeline/compose.ts'

const exchange = () => ({ answer: null }) as unknown as Exchange

function rig(steps: readonly Step[]) {
  const faults: string[] = []
  const asked: number[] = []
  const handler = compose(
    steps,
    async () => {
      asked.push(1)
      return new Response('origin')
    },
    (step) => faults.push(step),
  )
  return { handler, faults, asked }
}

const broken: Record<string, Step> = {
  beforeNext: function beforeNext() {
    throw new Error('injected')
  },
  afterNext: function afterNext(one, next) {
    next(one)
    throw new Error('injected')
  },
  rejects: async function rejects() {
    throw new Error('injected')
  },
  rejectsAfterNext: async function rejectsAfterNext(one, next) {
    await next(one)
    throw new Error('injected')
  },
}

describe('compose', () => {
  it.each(Object.entries(broken))(
    'asks the origin once and answers with it when a step %s',
    async (_name, step) => {
      const passes: Step = (one, next) => next(one)
      const { handler, faults, asked } = rig([passes, step, passes])
      const response = await handler(exchange())
      expect(await response.text()).toBe('origin')
      expect(asked).toHaveLength(1)
      expect(faults).toHaveLength(1)
    },
  )

  it('leaves out the step that failed, and no other', async () => {
    const seen: string[] = []
    const first: Step = (one, next) => {
      seen.push('first')
      return next(one)
    }
    const last: Step = (one, next) => {
      seen.push('last')
      return next(one)
    }
    const { handler, faults } = rig([first, ...(broken.beforeNext ? [broken.beforeNext] : []), last])
    await handler(exchange())
    expect(seen).toEqual(['first', 'last'])
    expect(faults).toEqual(['beforeNext'])
  })

  it('runs the steps in their order, and lets one answer for the rest', async () => {
    const limit: Step = async () => new Response('limited', { status: 429 })
    const { handler, asked } = rig([(one, next) => next(one), limit])
    expect((await handler(exchange())).status).toBe(429)
    expect(asked).toHaveLength(0)
  })
})
