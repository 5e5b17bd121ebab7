import { AtlasError } from '../../contract/errors.ts'
import { type Parameter, parameterNamed } from './network.ts'
import type { RegionDelta } from './region-delta.ts'

/** A delta longer than so many times the middle one's is shortened to that, and windows beyond so many times the middle count are not counted. */
const CLIP = 2
const MOST_WEIGHT = 4

export interface TakenDelta {
  readonly delta: RegionDelta
  /** Of the average: its windows, as far as they count, over those of all. */
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
 * region that is there already is left out with the reason. The others are cut to twice the (lower) median length (Sun,
 * Kairouz, Suresh, McMahan 2019), and their windows count up to four times the median, so that no region can carry the
 * model away by the size of its step or by what it says of itself.
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
  const longest = CLIP * lowerMedian(measured.map(({ norm }) => norm))
  const most = MOST_WEIGHT * lowerMedian(measured.map(({ delta }) => delta.windows))
  const windows = measured.reduce((sum, { delta }) => sum + Math.min(most, delta.windows), 0)
  const taken = measured.map(({ delta, norm }) => ({
    delta,
    share: Math.min(most, delta.windows) / windows,
    norm,
    scale: Math.min(1, longest / norm),
  }))
  if (taken.length === 0) throw nothingLeft(refused)
  const parameters = base.map(({ name, dims, values }) => {
    const moves = taken.map(({ delta, share, scale }) => ({
      by: parameterNamed(delta.layers, name).values,
      weight: share * scale,
    }))
    const moved = values.map((value, at) =>
      moves.reduce((sum, { by, weight }) => sum + weight * (by[at] ?? 0), value),
    )
    return { name, dims, values: moved }
  })
  return { parameters, taken, refused }
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

function lowerMedian(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1] ?? 0
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
