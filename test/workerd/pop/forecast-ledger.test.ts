import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Forecast } from '../../../contract/messages.ts'
import { ForecastLedger } from '../../../edge/pop/forecast-ledger.ts'
import type { PopObject } from '../../../edge/pop/pop.object.ts'
import { migrate } from '../../../edge/pop/schema.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const AT_MS = 1_800_000_000_000
const namespace = (env as unknown as { POP: DurableObjectNamespace<PopObject> }).POP

function withLedger(name: string, use: (open: () => ForecastLedger) => void): Promise<void> {
  const stub = namespace.get(namespace.idFromName(`ledger-${name}`))
  return runInDurableObject(stub, (_, state) => {
    migrate(state.storage)
    use(() => new ForecastLedger(state.storage.sql))
  })
}

/** The same for all horizons: p50, and 3 to either side. */
function forecast(madeAtMs: number, p50: number): Forecast {
  const quantiles = { p10: p50 - 3, p50, p90: p50 + 3 }
  return { madeAtMs, model: 'm', in5: quantiles, in15: quantiles, in60: quantiles }
}

describe('the ledger of forecasts', () => {
  it('measures champion and rival by the minute each forecast spoke of, at its horizon', async () => {
    await withLedger('horizons', (open) => {
      const ledger = open()
      ledger.note('a', forecast(AT_MS, 10))
      ledger.note('b', forecast(AT_MS, 16))
      expect(ledger.score(AT_MS + 4 * MINUTE_MS, 99, 'a', 'b')).toBe(false)
      expect(ledger.score(AT_MS + 5 * MINUTE_MS, 12, 'a', 'b')).toBe(true)
      expect(ledger.score(AT_MS + 60 * MINUTE_MS, 20, 'a', 'b')).toBe(true)
      expect(ledger.alone('a')).toMatchObject({
        in5: { count: 1, actual: 12, error: 2, inside: 1 },
        in15: { count: 0 },
        in60: { count: 1, actual: 20, error: 10, inside: 0 },
      })
      expect(ledger.paired('b', 'a')).toMatchObject({
        in5: { count: 1, actual: 12, error: 4, championError: 2, inside: 0 },
        in60: { count: 1, error: 4, championError: 10 },
      })
    })
  })

  it('measures a rival only where the champion, too, has forecast', async () => {
    await withLedger('paired', (open) => {
      const ledger = open()
      ledger.note('b', forecast(AT_MS, 16))
      expect(ledger.score(AT_MS + 5 * MINUTE_MS, 12, 'a', 'b')).toBe(false)
      expect(ledger.paired('b', 'a').in5.count).toBe(0)
    })
  })

  it('goes on after a restart, tells the last day from all, and begins a pair anew', async () => {
    await withLedger('restart', (open) => {
      for (const [made, p50] of [
        [AT_MS, 10],
        [AT_MS + 48 * HOUR_MS, 20],
      ] as const) {
        open().note('a', forecast(made, p50))
        open().note('b', forecast(made, p50))
        open().score(made + 5 * MINUTE_MS, 12, 'a', 'b')
      }
      expect(open().alone('a').in5).toEqual({ count: 2, actual: 24, error: 10, inside: 1 })
      expect(open().alone('a', AT_MS + 24 * HOUR_MS).in5).toEqual({
        count: 1,
        actual: 12,
        error: 8,
        inside: 0,
      })
      open().begin('b', 'a')
      expect(open().paired('b', 'a').in5.count).toBe(0)
      expect(open().alone('a').in5.count).toBe(2)
    })
  })

  it('forgets errors after 35 days', async () => {
    await withLedger('old', (open) => {
      const ledger = open()
      ledger.note('a', forecast(AT_MS, 10))
      ledger.score(AT_MS + 5 * MINUTE_MS, 12, 'a', null)
      ledger.score(AT_MS + 36 * 24 * HOUR_MS, 12, 'a', null)
      expect(ledger.alone('a').in5.count).toBe(0)
    })
  })
})
