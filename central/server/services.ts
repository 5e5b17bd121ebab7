import type { Ingest } from '../ingest/ingest.ts'
import type { View } from '../ingest/view.ts'
import type { LinkStatus } from '../nats/link.ts'
import type { PolicyStore } from '../policy/policy-store.ts'
import type { Adaptations } from '../registry/adaptations.ts'
import type { Registry } from '../registry/registry.ts'
import type { MinuteStore } from '../training/minute-store.ts'
import type { Training } from '../training/training.ts'
import type { Broadcast } from './broadcast.ts'

/** What the routes work with. */
export interface Services {
  readonly store: PolicyStore
  readonly registry: Registry
  readonly adaptations: Adaptations
  readonly training: Training
  readonly minutes: MinuteStore
  readonly view: View
  readonly ingest: Ingest
  readonly broadcast: Broadcast
  readonly link: () => LinkStatus
  readonly wallMs: () => number
  readonly staleMs: number
  readonly counters: Counters
}

/** What central counts of itself. */
export interface Counters {
  pushes: number
  pushesRefused: number
  authFailures: number
  auditLost: number
}
