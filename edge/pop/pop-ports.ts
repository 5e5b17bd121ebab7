import type { Clock, Random } from '../../contract/ports.ts'
import type { EdgeConfig } from '../control/config.ts'
import type { ForecastStub } from '../control/stubs.ts'
import type { ForestSource } from './anomaly-watch.ts'
import type { Connection } from './nats-connection.ts'
import type { Reach } from './preflight.ts'

/** Everything a PoP needs of the world. */
export interface PopPorts {
  readonly name: string
  readonly config: EdgeConfig
  readonly storage: DurableObjectStorage
  readonly clock: Clock
  readonly random: Random
  readonly forecaster: ForecastStub
  readonly forest: ForestSource
  readonly reach: Reach
  /** Opens a session with central's NATS; null: the PoP is an island. */
  readonly connect: (() => Promise<Connection>) | null
  wait(ms: number): Promise<void>
  uuid(): string
}
