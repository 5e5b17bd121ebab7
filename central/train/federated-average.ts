import { AtlasError } from '../../contract/errors.ts'
import type { Parameter } from './network.ts'
import type { RegionDelta } from './region-delta.ts'

/** A delta longer than so many times the middle one's is shortened to that. */
const CLIP = 2

export interface TakenDelta {
  readonly region: string
  readonly windows: number
  /** Of the average: its windows over all windows. */
  readonly share: number
  /** Euclidean length over all layers, as sent. */
  readonly norm: number
  /** What it was multiplied by: 1, or less where it was too long. */
  readonly scale: number
}

export interface RefusedDelta {
  readonly region: string
  readonly reason: string
}

export interface FederatedAverage {
  readonly parameters: Parameter[]
  readonly taken: readonly TakenDelta[]
  readonly refused: readonly RefusedDelta[]
}

/**
 * One round of federated averaging (McMahan, Moore, Ramage, Hampson, Agüera y Arcas 2017): w + Σ nₖ/n · Δₖ, with nₖ the windows that
 * region k trained on. A delta of another base, of other layers, with numbers that are not finite, without change, or of a
 * region that is there already is left out with the reason; the others are cut to twice the (lower) median length (Sun,
 * Kairouz, Suresh, McMahan 2019), so that no region can carry the model away by the size of its step.
 * @param baseHash `weightsHash` of `base`
 * @throws AtlasError `model/shape` when no delta is left, with the reasons as faults
 */
export function averageDeltas(
  base: readonly Parameter[],
  baseHash: string,
  deltas: readonly RegionDelta[],
): FederatedAverage {
  const refused: RefusedDelta[] = []
  const names = new Set<string>()
  const measured = deltas.flatMap((delta) => {
    const { region } = delta
    const norm = normOf(delta.layers)
    const reason = names.has(region)
      ? 'another delta of this region was taken'
      : whyNot(delta, norm, base, baseHash)
    if (reason !== null) {
      refused.push({ region, reason })
      return []
    }
    names.add(region)
    return [{ delta, norm }]
  })
  const windows = measured.reduce((sum, { delta }) => sum + delta.windows, 0)
  const norms = measured.map(({ norm }) => norm).sort((a, b) => a - b)
  const longest = CLIP * (norms[(norms.length - 1) >> 1] ?? 0)
  const weighed = measured.map(({ delta, norm }) => ({
    layers: new Map(delta.layers.map(({ name, values }) => [name, values])),
    about: {
      region: delta.region,
      windows: delta.windows,
      share: delta.windows / windows,
      norm,
      scale: Math.min(1, longest / norm),
    },
  }))
  if (weighed.length === 0) throw nothingLeft(refused)
  const parameters = base.map(({ name, dims, values }) => {
    const moves = weighed.map(({ layers, about }) => ({
      by: layers.get(name) ?? new Float32Array(values.length),
      weight: about.share * about.scale,
    }))
    const moved = values.map((value, at) =>
      moves.reduce((sum, { by, weight }) => sum + weight * (by[at] ?? 0), value),
    )
    return { name, dims, values: moved }
  })
  return { parameters, taken: weighed.map(({ about }) => about), refused }
}

/** What training has moved, parameter by parameter. */
export function deltaOf(trained: readonly Parameter[], base: readonly Parameter[]): Parameter[] {
  return base.map(({ name, dims, values }, index) => ({
    name,
    dims,
    values: values.map((value, at) => (trained[index]?.values[at] ?? Number.NaN) - value),
  }))
}

function whyNot(
  { base, windows, layers }: RegionDelta,
  norm: number,
  expected: readonly Parameter[],
  baseHash: string,
): string | null {
  if (base !== baseHash)
    return `it was trained from other weights (${base.slice(0, 12)}…) than these (${baseHash.slice(0, 12)}…)`
  if (!Number.isSafeInteger(windows) || windows < 1)
    return `windows must be a whole number from 1, but is ${windows}`
  const unknown = layers.find(({ name }) => !expected.some((parameter) => parameter.name === name))
  if (unknown !== undefined) return `the model has no layer ${unknown.name}`
  if (layers.length !== expected.length) return `it has ${layers.length} layers, the model ${expected.length}`
  for (const { name, dims } of expected) {
    const found = layers.find((layer) => layer.name === name)
    if (found?.dims.join() !== dims.join())
      return `${name} must be [${dims.join(', ')}], but is [${found?.dims.join(', ') ?? ''}]`
    if (!found.values.every(Number.isFinite)) return `${name} holds numbers that are not finite`
  }
  return norm > 0 && Number.isFinite(norm) ? null : 'it changes nothing'
}

function normOf(layers: readonly Parameter[]): number {
  let squares = 0
  for (const { values } of layers) for (const value of values) squares += value * value
  return Math.sqrt(squares)
}

function nothingLeft(refused: readonly RefusedDelta[]): AtlasError {
  const faults = refused.map(({ region, reason }) => ({ path: region, message: reason }))
  const why = refused.map(({ region, reason }) => `${region}: ${reason}`).join('; ')
  return new AtlasError('model/shape', `no delta is left to average${why && `: ${why}`}`, { faults })
}
