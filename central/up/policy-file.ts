import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { AtlasError, messageOf } from '../../contract/errors.ts'
import { type Policy, parsePolicy } from '../../contract/policy.ts'

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
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 100 })
  } catch (cause) {
    throw new AtlasError('policy/syntax', `${path} is neither YAML nor JSON: ${messageOf(cause)}`, { cause })
  }
  return parsePolicy(document)
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
