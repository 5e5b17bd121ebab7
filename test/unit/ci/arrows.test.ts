import { describe, expect, it } from 'vitest'
import { checkArrows, cycleIn, fault, importsOf } from '../../../.ci/arrows.ts'

describe('dependency arrows', () => {
  it('finds imports, exports, types, side effects and dynamic imports, and nothing in comments', () => {
    const text = `
      import a from './a.ts'
      import type { B } from "./b.ts"
      import {
        c,
        d,
      } from './c.ts'
      export { e } from './e.ts'
      import './f.ts'
      const g = await import('./g.ts')
      // import x from './x.ts'
      /* import y from './y.ts' */
      const from = 'not an import'
    `
    expect(importsOf(text)).toEqual(['./a.ts', './b.ts', './c.ts', './e.ts', './f.ts', './g.ts'])
  })

  it('refuses edge and central knowing each other, and the storefront knowing anything', () => {
    expect(fault('edge/pop/pop.ts', 'central/nats/link.ts')).toContain('edge must not import central')
    expect(fault('central/up/stack.ts', 'edge/control/config.ts')).toContain('central must not import edge')
    expect(fault('contract/policy.ts', 'core-wasm/core.ts')).toContain('contract must not import core-wasm')
    expect(fault('examples/storefront/cart.ts', 'contract/errors.ts')).toContain('must not import')
    expect(fault('examples/replay/plan.ts', 'central/up/stack.ts')).toBeNull()
    expect(fault('central/up/stack.ts', 'contract/policy.ts')).toBeNull()
  })

  it('keeps the order inside edge', () => {
    expect(fault('edge/worker/worker.ts', 'edge/pop/pop.object.ts')).toBeNull()
    expect(fault('edge/middleware/tap.ts', 'edge/control/config.ts')).toBeNull()
    expect(fault('edge/control/config.ts', 'edge/pop/pop.ts')).toContain(
      'edge/control must not import edge/pop',
    )
    expect(fault('edge/measure/model-gauge.ts', 'edge/predict/forecaster.ts')).toBeNull()
    expect(fault('edge/predict/forecaster.ts', 'edge/measure/model-gauge.ts')).toContain('must not import')
    expect(fault('edge/pop/pop.ts', 'edge/predict/forecaster.ts')).toContain('must not import')
    expect(fault('edge/other/thing.ts', 'edge/control/config.ts')).toContain('no place in the order')
  })

  it('finds a circle and names its way', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ])
    expect(cycleIn(graph)).toEqual(['b', 'd', 'b'])
    expect(
      cycleIn(
        new Map([
          ['a', ['b']],
          ['b', []],
        ]),
      ),
    ).toBeNull()
  })

  it('holds for the whole tree', () => {
    expect(checkArrows()).toEqual([])
  })
})
