import type { Fault } from './errors.ts'

/** The parts of a policy that speak of each other; null where a part could not be read. */
export interface Readable {
  readonly modules: readonly {
    readonly name: string | null
    readonly loose?: unknown
    readonly contract?: unknown
  }[]
  readonly coupling: {
    readonly hybrid: readonly string[]
    readonly looseEnterRps: number
    readonly looseLeaveRps: number
    readonly hybridEnterRps: number
    readonly hybridLeaveRps: number
  } | null
  readonly limits: readonly {
    readonly name: string | null
    readonly modules?: readonly string[] | undefined
  }[]
}

/** Faults between parts of a policy: names that stand twice or nowhere, thresholds that would flap. */
export function crossCheck({ modules, coupling, limits }: Readable): Fault[] {
  const faults: Fault[] = []
  const byName = new Map(modules.flatMap((module) => (module.name === null ? [] : [[module.name, module]])))
  const known = [...byName.keys()].join(', ')
  /** A module whose name cannot be read may be the one that is meant. */
  const allNamed = modules.length > 0 && modules.every(({ name }) => name !== null)
  const need = (name: string, path: string) => {
    const module = byName.get(name)
    if (!module && allNamed) faults.push({ path, message: `unknown module "${name}" (known: ${known})` })
    return module
  }

  modules.forEach((module, index) => {
    const path = `modules.${index}`
    if (module.name !== null && modules.findIndex(({ name }) => name === module.name) !== index)
      faults.push({ path: `${path}.name`, message: `module "${module.name}" stands twice` })
    if (module.loose !== undefined && module.contract === undefined) {
      faults.push({
        path: `${path}.contract`,
        message: `module "${module.name ?? index}" has a loose target but no contract; a module without one can never go loose`,
      })
    }
  })
  limits.forEach((limit, index) => {
    limit.modules?.forEach((name, at) => {
      need(name, `limits.${index}.modules.${at}`)
    })
    if (limit.name !== null && limits.findIndex((other) => other.name === limit.name) !== index)
      faults.push({ path: `limits.${index}.name`, message: `limit "${limit.name}" stands twice` })
  })
  if (coupling === null) return faults

  coupling.hybrid.forEach((name, index) => {
    const path = `coupling.hybrid.${index}`
    const module = need(name, path)
    if (module && module.loose === undefined)
      faults.push({ path, message: `module "${name}" has no loose target, so it cannot be broken out` })
  })
  const { looseEnterRps, looseLeaveRps, hybridEnterRps, hybridLeaveRps } = coupling
  const order: [string, number, string, number][] = [
    ['looseLeaveRps', looseLeaveRps, 'looseEnterRps', looseEnterRps],
    ['hybridLeaveRps', hybridLeaveRps, 'hybridEnterRps', hybridEnterRps],
    ['hybridEnterRps', hybridEnterRps, 'looseEnterRps', looseEnterRps],
  ]
  for (const [low, lowRps, high, highRps] of order) {
    if (lowRps >= highRps) {
      faults.push({
        path: `coupling.${low}`,
        message: `must be below coupling.${high} (${highRps}), but is ${lowRps}; else the mode would flap`,
      })
    }
  }
  return faults
}
