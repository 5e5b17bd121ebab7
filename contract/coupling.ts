/** How tightly the modules are coupled: all inside the monolith, some broken out, or all services of their own. */
export type Mode = 'TIGHT' | 'HYBRID' | 'LOOSE'

/** At most this many modules in a policy: the coupling vector is one 32-bit word. */
export const MAX_MODULES = 31

/** The mode of a coupling vector (bit i: module i is loose), given which modules can be loose at all. */
export function modeOf(vector: number, loosable: number): Mode {
  if (vector === 0) return 'TIGHT'
  return vector === loosable ? 'LOOSE' : 'HYBRID'
}

/** `[{name: 'cart', loose: true}, …]` as the bits of a vector, and back. */
export function vectorOf(names: readonly string[], loose: ReadonlySet<string>): number {
  return names.reduce((bits, name, index) => (loose.has(name) ? bits | (1 << index) : bits), 0) >>> 0
}

export function looseNames(names: readonly string[], vector: number): string[] {
  return names.filter((_, index) => (vector & (1 << index)) !== 0)
}
