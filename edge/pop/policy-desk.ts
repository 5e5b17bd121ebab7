import type { AckMessage, Draft } from '../../contract/messages.ts'
import type { TrustedKeys } from '../../contract/signed-policy.ts'
import type { RouteTable } from '../control/route-table.ts'
import { openPolicy } from './policy-intake.ts'
import type { Cursor, PolicySyncPorts } from './policy-sync.ts'
import type { PopMemory } from './pop-memory.ts'
import type { TableKeeper } from './table-keeper.ts'

export interface PolicyDeskPorts {
  readonly policyName: string
  readonly keys: TrustedKeys
  readonly memory: PopMemory
  readonly tables: TableKeeper
  /** Runs all of its writes or none. */
  atomically(write: () => void): void
  say(draft: Draft): void
  /** A policy took the place of another. */
  onApplied(before: RouteTable, after: RouteTable): void
  nowMs(): number
  wallMs(): number
  wait(ms: number): Promise<void>
}

/**
 * Puts each policy that is heard in force at once, or rejects it with its reason and keeps the last good one. Either is
 * acknowledged; one that is in force already is passed over.
 */
export class PolicyDesk implements PolicySyncPorts {
  readonly #ports: PolicyDeskPorts
  readonly wait: (ms: number) => Promise<void>

  constructor(ports: PolicyDeskPorts) {
    this.#ports = ports
    this.wait = ports.wait
  }

  load(): Cursor {
    return this.#ports.memory.cursor(this.#ports.policyName)
  }

  reset(): void {
    this.#ports.memory.setCursor(this.#ports.policyName, { seq: 0, timeStamp: '' })
  }

  async take(text: string | null, cursor: Cursor): Promise<void> {
    const { policyName: name, keys, tables, memory } = this.#ports
    const intake =
      text === null
        ? ({ kind: 'seen' } as const)
        : await openPolicy(text, { name, keys, version: tables.current.policyVersion })
    this.#ports.atomically(() => {
      memory.setCursor(name, cursor)
      if (intake.kind === 'apply') {
        const { version, policy, issuedAtMs } = intake.document
        const before = tables.current
        const after = tables.replacePolicy(name, version, policy)
        memory.policyError = null
        this.#ports.onApplied(before, after)
        this.#acknowledge({ outcome: 'applied', version, issuedAtMs, code: '', reason: '', faults: [] })
      } else if (intake.kind === 'reject') {
        const { code, reason, faults, version, issuedAtMs } = intake
        memory.policyError = `${code}: ${reason}`
        this.#acknowledge({ outcome: 'rejected', version, issuedAtMs, code, reason, faults: [...faults] })
      }
    })
  }

  #acknowledge(
    what: Pick<AckMessage, 'outcome' | 'version' | 'issuedAtMs' | 'code' | 'reason' | 'faults'>,
  ): void {
    this.#ports.say({
      kind: 'ack',
      atMs: this.#ports.nowMs(),
      policy: this.#ports.policyName,
      appliedAtMs: this.#ports.wallMs(),
      ...what,
    })
  }
}
