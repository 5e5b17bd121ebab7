import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadCore } from '../../../core-wasm/core.ts'
import { Forest } from '../../../core-wasm/forest.ts'
import { Sketch } from '../../../core-wasm/sketch.ts'
import { TapRing } from '../../../core-wasm/tap-ring.ts'

const root = new URL('../../../', import.meta.url)

describe('the compiled core', () => {
  it('imports nothing', () => {
    const module = new WebAssembly.Module(readFileSync(new URL('core-wasm/build/core.wasm', root)))
    expect(WebAssembly.Module.imports(module)).toEqual([])
  })

  it('has a memory that cannot grow, so that views over it stay attached', () => {
    const core = loadCore()
    expect(() => core.exports.memory.grow(1)).toThrow(RangeError)
    expect(core.buffer).toBe(core.exports.memory.buffer)
    expect(core.buffer.byteLength).toBe(4 * 1024 * 1024)
  })

  it('shares nothing between two instances', () => {
    const [one, other] = [new Sketch(loadCore()), new Sketch(loadCore())]
    one.add(5)
    expect([one.count, other.count]).toEqual([1, 0])
  })

  it('has room for a full tap and two of the shipped forests, champion and challenger, at once', () => {
    const core = loadCore()
    new TapRing(core, { capacity: 65_536 })
    const bytes = readFileSync(new URL('models/forest.bin', root))
    const [champion, challenger] = [Forest.load(core, bytes), Forest.load(core, bytes)]
    const point = new Float64Array(champion.features)
    expect(champion.score(point)).toBe(challenger.score(point))
  })
})
