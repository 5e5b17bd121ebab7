import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Policy, singleOriginPolicy } from '../../contract/policy.ts'
import type { UpOptions } from './options.ts'
import { readPolicyFile } from './policy-file.ts'
import { STOREFRONT_POLICY } from './storefront.ts'

/** The policy a stack starts with, and where it came from. */
export interface PolicyChoice {
  readonly policy: Policy
  /** Whether the example shop runs behind it. */
  readonly storefront: boolean
  /** The file it was read from; null = made of `--origin` alone. */
  readonly file: string | null
  /** What is told of the choice, a line each. */
  readonly told: readonly string[]
}

const OWN = 'atlas.policy.yaml'

/**
 * `--policy`, else `atlas.policy.yaml` of the caller's folder, else one module `app` for `--origin`, else the example
 * shop's. `--origin` wins over the file's own origin.
 * @throws AtlasError as `readPolicyFile`
 */
export function choosePolicy(
  { origin, policyFile }: Pick<UpOptions, 'origin' | 'policyFile'>,
  { cwd, root }: { cwd: string; root: string },
): PolicyChoice {
  const shops = join(root, STOREFRONT_POLICY)
  const own = join(cwd, OWN)
  const named = policyFile === null ? null : resolve(cwd, policyFile)
  const file = named ?? (existsSync(own) ? own : null)
  if (file !== null && file !== shops) {
    const read = readPolicyFile(file)
    const policy = origin === null ? read : { ...read, origin }
    const storefront = origin === null && policy.origin === readPolicyFile(shops).origin
    return { policy, storefront, file, told: [policyLine(file, policy), ...originLines(read, origin, named)] }
  }
  if (origin !== null && file === null) {
    const policy = singleOriginPolicy(origin)
    return { policy, storefront: false, file, told: [`policy: no ${OWN} in ${cwd}: one module "app"`] }
  }
  const read = readPolicyFile(shops)
  const policy = origin === null ? read : { ...read, origin }
  const told = [policyLine(shops, policy), ...originLines(read, origin, shops)]
  return { policy, storefront: origin === null, file: shops, told }
}

function policyLine(file: string, { modules }: Policy): string {
  return `policy: ${file}, ${modules.length} ${modules.length === 1 ? 'module' : 'modules'}`
}

function originLines({ origin }: Policy, flag: string | null, named: string | null): string[] {
  if (flag !== null)
    return flag === origin ? [] : [`origin: ${flag} of --origin, instead of the file's ${origin}`]
  return named === null ? [`origin: ${origin}, as that file says; the example shop is not started`] : []
}
