import { parsePolicy } from '../../contract/policy.ts'
import type { PolicyStore } from '../policy/policy-store.ts'

const DEFAULTS = { shadowDays: 14, probationDays: 1 }

/** The longest shadow and probation that any policy asks for; the schema's defaults where there is no policy. */
export async function periodsOf(
  store: Pick<PolicyStore, 'names' | 'current'>,
): Promise<{ shadowDays: number; probationDays: number }> {
  const records = await Promise.all((await store.names()).map((name) => store.current(name)))
  const forecasts = records.flatMap((record) => {
    try {
      return record === null ? [] : [parsePolicy(record.policy).forecast]
    } catch {
      return []
    }
  })
  if (forecasts.length === 0) return DEFAULTS
  return {
    shadowDays: Math.max(...forecasts.map(({ shadowDays }) => shadowDays)),
    probationDays: Math.max(...forecasts.map(({ probationDays }) => probationDays)),
  }
}
