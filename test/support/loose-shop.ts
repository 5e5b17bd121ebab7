import { join } from 'node:path'
import { readPolicyFile } from '../../central/up/policy-file.ts'
import { STOREFRONT_POLICY } from '../../central/up/storefront.ts'
import type { Policy } from '../../contract/policy.ts'
import { ROOT } from './stack.ts'

/** The example shop's policy, with which all of its modules go loose with the first requests and stay so. */
export function looseShop(): Policy {
  const policy = readPolicyFile(join(ROOT, STOREFRONT_POLICY))
  const coupling = {
    ...policy.coupling,
    hybridLeaveRps: 0.001,
    hybridEnterRps: 0.002,
    looseLeaveRps: 0.003,
    looseEnterRps: 0.004,
    leaveAfterS: 86_400,
    minDwellS: 0,
  }
  return { ...policy, coupling }
}
