import { describe, expect, it } from 'vitest'
import type { PopView, View } from '../../../central/ingest/view.ts'
import { byHorizon } from '../../../central/registry/measured.ts'
import { ModelWatch } from '../../../central/registry/model-watch.ts'
import type { Registry } from '../../../central/registry/registry.ts'
import type { ReleaseStore } from '../../../central/registry/release-store.ts'
import { AtlasError } from '../../../contract/errors.ts'

const DAY_MS = 86_400_000

/** One PoP whose champion's error was `recent` times its baseline on this day. */
function scene(recent: number) {
  const day = { now: 100 }
  const said: string[] = []
  const audits: { entry: object; id: string }[] = []
  const drifted: string[] = []
  const sums = (error: number) => ({ count: 5_000, actual: 100, error, inside: 4_000 })
  const pop = (): PopView =>
    ({
      pop: 'fra1',
      minutes: [
        {
          minuteStartMs: day.now * DAY_MS,
          models: {
            release: 1,
            champion: {
              ref: 'bundled',
              name: 'one',
              recent: byHorizon(() => sums(10 * recent)),
              baseline: byHorizon(() => sums(10)),
            },
            rival: null,
          },
        },
      ],
    }) as unknown as PopView
  const watch = new ModelWatch({
    registry: {} as Registry,
    releases: {
      audit: async (entry: object, id: string) => void audits.push({ entry, id }),
    } as unknown as ReleaseStore,
    view: { pops: () => [pop()] } as unknown as View,
    periods: async () => ({ probationDays: 1 }),
    onDrift: (pop, ratio) => drifted.push(`${pop} ${ratio}`),
    log: (event) => said.push(event),
  })
  return { watch, day, said, audits, drifted }
}

describe('central, watching what PoPs measure', () => {
  it('calls for training once a day of the series while the champion drifts', async () => {
    const { watch, day, said, audits, drifted } = scene(1.5)
    await watch.look()
    await watch.look()
    expect(audits).toMatchObject([
      { entry: { kind: 'retrain', pop: 'fra1' }, id: 'retrain:fra1:bundled:100' },
    ])
    expect(said).toEqual(['drift calls for training'])
    expect(drifted).toEqual(['fra1 1.5'])
    day.now += 1
    await watch.look()
    expect(audits).toHaveLength(2)
  })

  it('says nothing of an error that is as it was', async () => {
    const { watch, audits } = scene(1.1)
    await watch.look()
    expect(audits).toEqual([])
  })

  it('lets NATS be away', async () => {
    const { said } = scene(1)
    const watch = new ModelWatch({
      registry: {} as Registry,
      releases: {} as ReleaseStore,
      view: {
        pops: () => {
          throw new AtlasError('sync/unavailable', 'NATS is away')
        },
      } as unknown as View,
      periods: async () => ({ probationDays: 1 }),
      log: (event) => said.push(event),
    })
    await watch.look()
    expect(said).toEqual([])
  })
})
