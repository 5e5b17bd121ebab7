import { describe, expect, it } from 'vitest'
import type { Forecast } from '../../../contract/messages.ts'
import { LOOKBACK } from '../../../contract/model/series.ts'
import type { ForecastAnswer, ForecastStub } from '../../../edge/control/stubs.ts'
import { ForecastDesk } from '../../../edge/pop/forecast-desk.ts'

const NOW_MS = 1_000_000
const QUANTILES = { p10: 90, p50: 100, p90: 110 }

/** What the desk says when the forecaster tells these errors of its last forecasts. */
async function stateWith(rolling: Forecast['rolling']) {
  const forecast: Forecast = {
    madeAtMs: NOW_MS,
    model: 'm',
    in5: QUANTILES,
    in15: QUANTILES,
    in60: QUANTILES,
    ...(rolling && { rolling }),
  }
  const answer = { ok: true, model: 'm', ref: 'bundled', fault: null, forecasts: [forecast], rival: null }
  const stub = { forecast: async () => answer as ForecastAnswer } as unknown as ForecastStub
  const history = {
    filled: () => ({ minutes: LOOKBACK, known: LOOKBACK }),
    series: () => ({ name: 'total', stepS: 60, endMs: NOW_MS, rps: [], errorRate: [] }),
  }
  const desk = new ForecastDesk(history, stub)
  await desk.minuteClosed()
  return desk.state(NOW_MS)
}

describe('whether a forecast is trusted', () => {
  it('is, when it was better than the day before', async () => {
    const state = await stateWith({ known: 500, champion: 5, reference: 6, seasonalNaive: 7 })
    expect(state.kind).toBe('ready')
  })

  it('is not, when it was worse, and the reason tells both errors', async () => {
    const state = await stateWith({ known: 500, champion: 8, reference: 6, seasonalNaive: 7 })
    expect(state).toEqual({
      kind: 'reactive',
      reason: 'forecasts of the last hours missed by 8.00 RPS, those of a day before by 7.00',
    })
  })

  it('is, while too few were judged, in the first day, and when nothing judges', async () => {
    for (const rolling of [
      { known: 119, champion: 8, reference: 6, seasonalNaive: 7 },
      { known: 500, champion: 8, reference: 6, seasonalNaive: null },
      undefined,
    ])
      expect((await stateWith(rolling)).kind).toBe('ready')
  })
})
