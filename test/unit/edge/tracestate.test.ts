import { describe, expect, it } from 'vitest'
import { ownMember, ownValue, replaceOwn } from '../../../edge/control/tracestate.ts'

const members = (count: number, value = '1') =>
  Array.from({ length: count }, (_, index) => `v${index}=${value}`)

describe("ATLAS's member of a tracestate", () => {
  it('is read wherever it stands, with the white space and the empty members that the grammar allows', () => {
    expect(ownValue('atlas=cart')).toBe('cart')
    expect(ownValue('rojo=00f067aa0ba902b7,\t atlas=pay_2 \t,, congo=t61rcWkgMzE')).toBe('pay_2')
  })

  it('is not read from another key, and is null where there is none', () => {
    for (const other of ['', ',', 'xatlas=cart', 'atlas2=cart', 'atlas@x=cart', 'Atlas=cart', 'a=atlas=cart'])
      expect(ownValue(other)).toBeNull()
  })

  it('is the left-most, the newest, where it stands twice', () => {
    expect(ownValue('a=1,atlas=cart,atlas=payment')).toBe('cart')
  })
})

describe('the tracestate that is passed on', () => {
  const own = ownMember('cart')

  it('has its own member at the front, once, and the others unchanged behind it', () => {
    expect(replaceOwn('', own)).toBe('atlas=cart')
    expect(replaceOwn('rojo=00f067aa0ba902b7', own)).toBe('atlas=cart,rojo=00f067aa0ba902b7')
    expect(replaceOwn('a=1,atlas=x , fw529a3039@dt=FfAAAA==,atlas=y,,b=!"~', own)).toBe(
      'atlas=cart,a=1,fw529a3039@dt=FfAAAA==,b=!"~',
    )
  })

  it('has none of its own for a request that belongs to no module', () => {
    expect(replaceOwn('a=1, atlas=x ,b=2', '')).toBe('a=1,b=2')
    expect(replaceOwn('atlas=x', '')).toBe('')
  })

  it('has 32 members at most: the right-most goes', () => {
    expect(replaceOwn(members(32).join(), own).split(',')).toEqual([own, ...members(31)])
    expect(replaceOwn(members(31).join(), own).split(',')).toEqual([own, ...members(31)])
    expect(replaceOwn([...members(31), 'atlas=x'].join(), own).split(',')).toEqual([own, ...members(31)])
  })

  it('has 512 characters at most: members above 128 go first, then those at the end', () => {
    const [long, short] = [`long=${'x'.repeat(124)}`, `mid=${'y'.repeat(124)}`]
    expect(long).toHaveLength(129)
    expect(short).toHaveLength(128)
    expect(replaceOwn([long, short, short].join(), own)).toBe([own, long, short, short].join())
    expect(replaceOwn([long, short, short, short].join(), own)).toBe([own, short, short, short].join())
    expect(replaceOwn([short, short, short, short].join(), own)).toBe([own, short, short, short].join())
  })

  it('is cut short in no time when a client sends a list without end', () => {
    const began = performance.now()
    expect(replaceOwn('a=1,'.repeat(30_000), own).length).toBeLessThanOrEqual(512)
    expect(ownValue(`${',b=1'.repeat(30_000)},atlas=cart`)).toBeNull()
    expect(performance.now() - began).toBeLessThan(100)
  })
})
