import { readFileSync } from 'node:fs'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { Policy } from '../../contract/policy.ts'
import { parsePolicyText } from '../policy/policy-text.ts'

/**
 * A policy from a YAML or JSON file.
 * @throws AtlasError `config/invalid` (no such file), `policy/syntax`, `policy/invalid` with every fault's path
 */
export function readPolicyFile(path: string): Policy {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AtlasError('config/invalid', `the policy file ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
  try {
    return parsePolicyText(text)
  } catch (cause) {
    if (!(cause instanceof AtlasError) || cause.code !== 'policy/syntax') throw cause
    const { faults } = cause
    const where = faults.map((fault) => [fault.path, fault.message].filter(Boolean).join(': ')).join('; ')
    throw new AtlasError('policy/syntax', `${path} is neither YAML nor JSON: ${where}`, { faults, cause })
  }
}

/** The policy with its targets' addresses exchanged, as the map says; what is not in the map stays. */
export function withAddresses(policy: Policy, addresses: ReadonlyMap<string, string>): Policy {
  const moved = (target: string): string => addresses.get(target) ?? target
  return {
    ...policy,
    origin: moved(policy.origin),
    modules: policy.modules.map(({ tight, loose, ...module }) => ({
      ...module,
      ...(tight === undefined ? {} : { tight: moved(tight) }),
      ...(loose === undefined ? {} : { loose: moved(loose) }),
    })),
  }
}
