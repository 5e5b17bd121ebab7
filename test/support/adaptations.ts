import type { Adaptation } from '../../contract/model/adaptation.ts'
import type { Adapted } from '../../contract/model/adapted.ts'

/** Regressions that say, of every horizon, this many levels above or below the series' level, and are wholly believed. */
export function sayingAlways(relative: number): Adapted {
  const trees = { base: relative, roots: [0], feature: [-1], value: [0], left: [0] }
  const horizon = {
    regressions: [{ reads: 'lags' as const, answers: 'relative' as const, trees }],
    trust: [0, 1],
  }
  return { v: 1, stepS: 60, horizons: { in5: horizon, in15: horizon, in60: horizon } }
}

/** An adaptation of a PoP's total, measured better than nothing. */
export function adaptationOf(part: Partial<Adaptation> & Pick<Adaptation, 'pop' | 'beside'>): Adaptation {
  const heldBack = { count: 100, actual: 1000, adapted: 90, unadapted: 100 }
  return {
    v: 1,
    kind: 'adaptation',
    series: 'total',
    fromMs: 0,
    splitMs: 80_000,
    toMs: 100_000,
    heldBack: { in5: heldBack, in15: heldBack, in60: heldBack },
    adapted: sayingAlways(1),
    ...part,
  }
}
