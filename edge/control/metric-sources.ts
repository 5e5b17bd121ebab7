import type { Policy } from '../../contract/policy.ts'

/** An address that reports on an origin, and the modules which that origin answers for. */
export interface MetricSource {
  readonly target: string
  readonly path: string
  readonly modules: readonly string[]
}

/**
 * Whom to ask under a coupling vector: the monolith for itself and the modules inside it, and each module that has an
 * address of its own there. An address that answers for several is asked once.
 */
export function metricSources(policy: Policy, vector: number): MetricSource[] {
  const sources = new Map<string, { target: string; path: string; modules: string[] }>()
  const source = (target: string, path: string) => {
    const key = `${target} ${path}`
    const made = sources.get(key) ?? { target, path, modules: [] }
    sources.set(key, made)
    return made
  }
  const { origin, originMetrics, modules } = policy
  if (originMetrics !== undefined) source(origin, originMetrics)
  for (const [index, { name, tight = origin, loose, metrics }] of modules.entries()) {
    const target = (vector & (1 << index)) !== 0 ? (loose ?? tight) : tight
    const path = target === origin ? originMetrics : metrics
    if (path !== undefined) source(target, path).modules.push(name)
  }
  return [...sources.values()]
}
