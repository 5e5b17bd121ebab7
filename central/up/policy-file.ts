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
    if (!(cause instanceof AtlasError)) throw cause
    const { code, faults } = cause
    const what = code === 'policy/syntax' ? 'is neither YAML nor JSON' : 'is refused'
    const where = faults.map((fault) => [fault.path, fault.message].filter(Boolean).join(': ')).join('; ')
    throw new AtlasError(code, `${path} ${what}: ${where}`, { faults, cause })
  }
}

/** An error for the terminal: what it says, or its head and every fault on a line of its own. */
export function faultLines({ message, faults }: AtlasError): string[] {
  if (faults.length === 0) return [`atlas: ${message}`]
  const first = [faults[0]?.path, faults[0]?.message].filter(Boolean).join(': ')
  const at = message.indexOf(`: ${first}`)
  return [
    `atlas: ${at < 0 ? message : message.slice(0, at)}`,
    ...faults.map((fault) => `  ${fault.path || 'document'}: ${fault.message}`),
  ]
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
