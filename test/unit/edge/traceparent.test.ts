import { describe, expect, it } from 'vitest'
import { formatTraceparent, parseTraceparent } from '../../../edge/control/traceparent.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

describe('parseTraceparent', () => {
  it('reads the example of the recommendation, and writes it back', () => {
    const header = `00-${TRACE}-${SPAN}-01`
    const parsed = parseTraceparent(header)
    expect(parsed).toEqual({ traceId: TRACE, spanId: SPAN, flags: '01' })
    expect(parsed && formatTraceparent(parsed)).toBe(header)
  })

  it('reads a later version by the fields of this one', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)).toMatchObject({
      traceId: TRACE,
    })
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01`)).toMatchObject({ spanId: SPAN })
  })

  it('refuses what the recommendation calls invalid', () => {
    const invalid = [
      null,
      '',
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      `cc-${TRACE}-${SPAN}-01x`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-1`,
      `00-${TRACE}-${SPAN}-zz`,
      ` 00-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01-${'x'.repeat(10_000)}`,
    ]
    for (const header of invalid) expect(parseTraceparent(header), String(header)).toBeNull()
  })
})
