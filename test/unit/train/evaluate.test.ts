import { describe, expect, it } from 'vitest'
import { evaluateTrace, readBaselines, type WindowModel } from '../../../central/train/evaluate.node.ts'
import { allTraces, dataFolder, type Trace, trainingTraces } from '../../../central/train/traces.node.ts'
import { OUTPUT_SIZE } from '../../../contract/model/forecast-window.ts'

/** Answers the level for everything, that is the mean of the last 60 samples. */
const meanModel: WindowModel = { run: async (windows) => new Float32Array(windows.length * OUTPUT_SIZE) }

const folder = dataFolder()

function traceOf(rps: Float64Array, stepS: number): Trace {
  return { name: 't', sha256: '', series: { name: 't', stepS, startMs: 0, rps } }
}

describe('the evaluation protocol', () => {
  it('scores the last 30 % only, origins whose lags, target and sample a day before are observed', async () => {
    const rps = Float64Array.from({ length: 1000 }, (_, at) => 10 + (at % 3))
    rps[900] = Number.NaN
    const { horizons } = await evaluateTrace(meanModel, traceOf(rps, 600), 'never')
    // origins 700…993, less 60 whose lags and one whose target hold the gap
    expect(Object.keys(horizons)).toEqual(['60'])
    expect(horizons['60']?.origins).toBe(294 - 60 - 1)
  })

  it('measures the mean of 60 samples as the mean, and persistence as the last sample', async () => {
    const rps = Float64Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? 8 : 12))
    const error = (await evaluateTrace(meanModel, traceOf(rps, 600), 'never')).horizons['60']
    expect(error?.mean60).toBeCloseTo(20, 1)
    expect(error?.model).toBeCloseTo(20, 1)
    expect(error?.persistence).toBe(0)
    expect(error?.coverage).toBe(0)
  })

  it.skipIf(folder === null)(
    'finds the published figures of persistence and the mean on clarknet',
    async () => {
      const path = folder ?? ''
      const clarknet = allTraces(path).find(({ name }) => name === 'clarknet_1m') as Trace
      const { horizons } = await evaluateTrace(meanModel, clarknet, 'never', readBaselines(path))
      expect(Object.values(horizons).map(({ origins }) => origins)).toEqual([6043, 6033, 5988])
      for (const error of Object.values(horizons)) {
        expect(error.persistence).toBeCloseTo(error.baselines.persistence ?? 0, 2)
        expect(error.mean60).toBeCloseTo(error.baselines.mean_60 ?? 0, 2)
      }
    },
  )

  it.skipIf(folder === null)('never trains on a test trace or on worldcup98', () => {
    const names = trainingTraces(folder ?? '').map(({ name }) => name)
    expect(names.filter((name) => /clarknet|nasa_aug|worldcup/.test(name))).toEqual([])
    expect(names).toContain('nasa_jul95_1m')
  })
})
