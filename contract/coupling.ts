/** How tightly the modules are coupled: all inside the monolith, some broken out, or all services of their own. */
export type Mode = 'TIGHT' | 'HYBRID' | 'LOOSE'

/** At most this many modules in a policy: the coupling vector is one 32-bit word. */
export const MAX_MODULES = 31

/** The mode of a coupling vector (bit i: module i is loose), given which modules can be loose at all. */
export function modeOf(vector: number, loosable: number): Mode {
  if (vector === 0) return 'TIGHT'
  return vector === loosable ? 'LOOSE' : 'HYBRID'
}

interface Named {
  readonly name: string
}

/** The coupling vector in which the modules of these names are loose. */
export function vectorOf(modules: readonly Named[], loose: readonly string[]): number {
  return modules.reduce((bits, { name }, index) => (loose.includes(name) ? bits | (1 << index) : bits), 0)
}

/** Names of the modules that are loose in a coupling vector. */
export function looseNames(modules: readonly Named[], vector: number): string[] {
  return modules.filter((_, index) => (vector & (1 << index)) !== 0).map(({ name }) => name)
}
