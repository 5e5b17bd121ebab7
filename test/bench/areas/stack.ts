import type { Stack, StackOptions } from '../../../central/up/stack.ts'
import { type PolicyInput, parsePolicy } from '../../../contract/policy.ts'
import { startOwnStack } from '../../support/stack.ts'

/** A whole ATLAS in front of a policy's origin. */
export function benchStack(policy: PolicyInput, options: Partial<StackOptions> = {}): Promise<Stack> {
  return startOwnStack({ policy: parsePolicy(policy), ...options })
}

/** A policy like a shop's: four modules, everything of the pipeline on, and a limit that is counted but never reached. */
export function everythingOn(origin: string): PolicyInput {
  return {
    apiVersion: 'atlas/v1',
    origin,
    modules: ['catalog', 'cart', 'payment', 'shipping'].map((name) => ({
      name,
      routes: [`/${name}/*`],
      loose: origin,
      contract: { timeoutMs: 5000, state: 'shared' as const },
    })),
    coupling: { hybrid: ['catalog'], hybridEnterRps: 1e8, looseEnterRps: 1e9, anomalyLoose: 1 },
    limits: [{ name: 'per-client', key: 'client', rps: 1e6, burst: 1e6 }],
  }
}
