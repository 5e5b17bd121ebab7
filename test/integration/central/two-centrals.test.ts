import type { NatsConnection } from 'nats.ws'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PopView, View } from '../../../central/ingest/view.ts'
import { DEFAULT_LIMITS, ensureStreams } from '../../../central/nats/streams.ts'
import { createSigningKey, parseSigningKey, type SigningKey } from '../../../central/policy/signing-key.ts'
import { byHorizon } from '../../../central/registry/measured.ts'
import type { ModelGauge } from '../../../central/registry/model-gauge.node.ts'
import { ModelStore } from '../../../central/registry/model-store.ts'
import { ModelWatch } from '../../../central/registry/model-watch.ts'
import { Registry } from '../../../central/registry/registry.ts'
import { ReleaseStore } from '../../../central/registry/release-store.ts'
import { packModel } from '../../../contract/model/model-package.ts'
import { shippedModel } from '../../support/challenger.ts'
import { NatsFixture } from './nats-fixture.ts'

const DAY_MS = 86_400_000
const nats = new NatsFixture(['fra1'])
const connections: NatsConnection[] = []
let key: SigningKey
let challenger = ''

/** What both centrals last heard of the one PoP: the former champion's error as a share of the promoted one's. */
const heard = { release: 0, ref: '', formerError: 1 }

function pops(): PopView[] {
  const paired = byHorizon(() => ({
    count: 5_000,
    actual: 100,
    error: 10 * heard.formerError,
    championError: 10,
    inside: 4_000,
  }))
  const sums = byHorizon(() => ({ count: 0, actual: 0, error: 0, inside: 0 }))
  const rival = { ref: heard.ref, role: 'former', sinceMs: 0, paired, fault: null, asked: 0, differed: 0 }
  const models = { release: heard.release, champion: { ref: 'x', recent: sums, baseline: sums }, rival }
  return [{ pop: 'fra1', minutes: [{ minuteStartMs: 2 * DAY_MS, models }] }] as unknown as PopView[]
}

/** What both watches said, in the order in which they said it. */
const said: string[] = []

/** One of several centrals of one key, on a connection of its own. */
class Peer {
  readonly releases: ReleaseStore
  readonly models: ModelStore
  readonly registry: Registry
  readonly watch: ModelWatch

  constructor(connection: NatsConnection) {
    const shared = {
      connection: () => connection,
      key,
      wallMs: () => Date.now(),
      onAuditLost: () => undefined,
    }
    const view = { pops } as unknown as View
    const periods = async () => ({ shadowDays: 14, probationDays: 1 })
    const gauge = {} as ModelGauge
    this.releases = new ReleaseStore(shared)
    this.models = new ModelStore(shared)
    this.registry = new Registry({ models: this.models, releases: this.releases, gauge, view, periods })
    const { registry, releases } = this
    this.watch = new ModelWatch({ registry, releases, view, periods, log: (event) => said.push(event) })
  }
}

let peers: readonly [Peer, Peer]
const forced = { by: 'operator', reason: 'a test', force: true }

beforeAll(async () => {
  await nats.start()
  key = await parseSigningKey(JSON.stringify(await createSigningKey()))
  connections.push(await nats.connectAs(nats.central), await nats.connectAs(nats.central))
  const [one, other] = connections
  if (!one || !other) throw new Error('no connections')
  await ensureStreams(one, DEFAULT_LIMITS)
  peers = [new Peer(one), new Peer(other)]
  const { manifest, model } = shippedModel('challenger')
  const told = { name: 'challenger', by: 'operator', measured: null }
  challenger = (await peers[0].models.put(packModel(manifest, model), told)).hash
})

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()))
  await nats.remove()
})

/** The bundled model is champion and the challenger in shadow. */
beforeEach(async () => {
  const [{ registry, releases }] = peers
  if ((await releases.current()).release.champion !== 'bundled') await registry.rollback(forced)
  if ((await releases.current()).release.challenger === null) await registry.shadow(challenger, forced)
})

async function versionNow(): Promise<number> {
  return (await peers[0].releases.current()).release.version
}

async function promotedAndHeard(formerError: number): Promise<number> {
  const { version, former } = await peers[0].registry.promote(challenger, forced)
  Object.assign(heard, { release: version, ref: former ?? '', formerError })
  return version
}

describe('two centrals at once', () => {
  it('make one release of two promotions; the other is told of the conflict', async () => {
    const before = await versionNow()
    const both = await Promise.allSettled(peers.map(({ registry }) => registry.promote(challenger, forced)))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const refused = both.find((each) => each.status === 'rejected')
    expect(refused?.reason).toMatchObject({ code: 'model/conflict' })
    const [newest] = await peers[0].releases.history()
    expect(newest).toMatchObject({ version: before + 1, action: 'promote', champion: challenger })
  })

  it('make one release of two rollbacks from the same place', async () => {
    const version = await promotedAndHeard(1)
    const record = await peers[0].releases.current()
    const both = await Promise.allSettled(peers.map(({ registry }) => registry.rollback(forced, record)))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await versionNow()).toBe(version + 1)
  })

  it.each([
    ['roll a promotion back once that was for the worse', 0.5, 'rollback', 'bundled', 'model rolled back'],
    ['confirm a promotion once that was for the better', 1.5, 'confirm', 'challenger', 'model confirmed'],
  ])('%s', async (_, formerError, action, champion, line) => {
    const version = await promotedAndHeard(formerError)
    const before = said.length
    for (let look = 0; look < 3; look++) await Promise.all(peers.map(({ watch }) => watch.look()))
    const { release } = await peers[0].releases.current()
    expect(release).toMatchObject({ version: version + 1, action, by: 'central', former: null })
    expect(release.champion).toBe(champion === 'challenger' ? challenger : champion)
    expect(said.slice(before)).toEqual([line])
  })
})
