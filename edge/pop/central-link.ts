import type { Draft } from '../../contract/messages.ts'
import type { RouteTable } from '../control/route-table.ts'
import { AdaptationDesk } from './adaptation-desk.ts'
import type { OutboxQueue } from './envelope.ts'
import type { ModelFeed } from './nats-connection.ts'
import { NatsLink } from './nats-link.ts'
import { PolicyDesk } from './policy-desk.ts'
import { PolicySync } from './policy-sync.ts'
import type { PopMemory } from './pop-memory.ts'
import type { PopPorts } from './pop-ports.ts'
import { ReleaseDesk } from './release-desk.ts'
import type { TableKeeper } from './table-keeper.ts'

/** The parts of a PoP that its link works on. */
export interface Linked {
  readonly epoch: string
  readonly memory: PopMemory
  readonly tables: TableKeeper
  readonly outbox: OutboxQueue
  atomically(write: () => void): void
  say(draft: Draft): void
  onApplied(before: RouteTable, after: RouteTable): void
  /** Whether the forecaster could not open the champion it should run. */
  championMissing(): boolean
}

/** The link that sends a PoP's outbox and hears its policies; null for an island. */
export function linkToCentral(ports: PopPorts, parts: Linked): NatsLink | null {
  const { config, clock, connect, name, random, wait } = ports
  if (connect === null) return null
  const policies = new PolicySync(
    new PolicyDesk({
      policyName: config.policyName,
      keys: config.trustedKeys,
      memory: parts.memory,
      tables: parts.tables,
      atomically: (write) => parts.atomically(write),
      say: (draft) => parts.say(draft),
      onApplied: (before, after) => parts.onApplied(before, after),
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      wait,
    }),
  )
  let models: ModelFeed | null = null
  const fetch = (hash: string) => {
    if (models === null) throw new Error('there is no session')
    return models.fetch(hash)
  }
  const desk = new ReleaseDesk({
    keys: config.trustedKeys,
    memory: parts.memory,
    forecaster: ports.forecaster,
    fetch,
    atomically: (write) => parts.atomically(write),
    say: (draft) => parts.say(draft),
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    wait,
  })
  const releases = new PolicySync(desk)
  const adaptationDesk = new AdaptationDesk({
    pop: name,
    keys: config.trustedKeys,
    memory: parts.memory,
    forecaster: ports.forecaster,
    fetch,
    atomically: (write) => parts.atomically(write),
    wait,
  })
  const adaptations = new PolicySync(adaptationDesk)
  return new NatsLink({
    open: connect,
    outbox: parts.outbox,
    pop: name,
    epoch: parts.epoch,
    syncPolicy: (feed, why) => policies.sync(feed, why),
    syncModels: async (feed, why) => {
      models = feed
      await releases.sync(feed.releases, why)
      if (parts.championMissing()) await desk.restore()
      await adaptations.sync(feed.adaptations, why)
      await adaptationDesk.restore()
    },
    wait,
    random,
  })
}
