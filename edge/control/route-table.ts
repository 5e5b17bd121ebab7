import type { Mode } from '../../contract/coupling.ts'
import type { Policy } from '../../contract/policy.ts'

/**
 * What isolates route by: plain, immutable data, handed out by the PoP object and swapped whole by reference.
 * A request captures the table once and is answered from it alone.
 */
export interface RouteTable {
  /** Goes up with every change of policy or vector. 0 = bundled default, before the PoP object has answered. */
  readonly version: number
  readonly policyName: string
  /** 0 = the bundled default policy. */
  readonly policyVersion: number
  readonly policy: Policy
  /** Coupling vector: bit i set = policy.modules[i] is loose. */
  readonly vector: number
  readonly mode: Mode
}
