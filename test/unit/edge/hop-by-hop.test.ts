import { describe, expect, it } from 'vitest'
import { hopByHop, namesNothing } from '../../../edge/control/hop-by-hop.ts'

describe('hopByHop', () => {
  it('adds what Connection names, in lower case', () => {
    expect(hopByHop('close, X-One ,x-two')).toEqual(
      expect.arrayContaining(['x-one', 'x-two', 'proxy-authorization']),
    )
  })

  it('does not let Connection take away what frames the message or says who came', () => {
    const named = hopByHop('content-length, Authorization, x-forwarded-for, cookie, host, traceparent')
    expect(named).toEqual(hopByHop(null))
  })

  it('skips what is no header name', () => {
    expect(hopByHop('a b, , ü, x:y, \u0000')).toEqual(hopByHop(null))
  })

  it('knows the common values that name nothing', () => {
    for (const value of [null, 'keep-alive', 'close']) expect(namesNothing(value)).toBe(true)
    expect(namesNothing('upgrade')).toBe(false)
  })
})
