/**
 * Generic cell rate algorithm (ITU-T I.371, virtual scheduling form). One number a key: the theoretical arrival time
 * (TAT) of the next request that would be exactly on rate, in milliseconds.
 *   T = 1000 / rps,  tau = (burst − 1) · T
 *   a request at t conforms when max(TAT, t) − t ≤ tau; then TAT = max(TAT, t) + T
 * A fresh key may send `burst` at once, then `rps` a second.
 */
export interface Gcra {
  readonly emissionMs: number
  readonly toleranceMs: number
}

/** @param rps sustained requests a second, above 0 @param burst requests at once, at least 1 */
export function gcra(rps: number, burst: number): Gcra {
  if (!(rps > 0)) throw new RangeError(`rps must be above 0, but is ${rps}`)
  if (!(burst >= 1)) throw new RangeError(`burst must be at least 1, but is ${burst}`)
  const emissionMs = 1000 / rps
  return { emissionMs, toleranceMs: (burst - 1) * emissionMs }
}

/** Milliseconds until a request of this key conforms; 0 = now. */
export function waitMs({ toleranceMs }: Gcra, tatMs: number, nowMs: number): number {
  return Math.max(0, tatMs - nowMs - toleranceMs)
}

/** The key's TAT after `cost` requests, whether or not they conformed. */
export function charge({ emissionMs }: Gcra, tatMs: number, nowMs: number, cost = 1): number {
  return Math.max(tatMs, nowMs) + cost * emissionMs
}

/** Requests that would conform now, one after the other. */
export function remaining({ emissionMs, toleranceMs }: Gcra, tatMs: number, nowMs: number): number {
  const room = toleranceMs - Math.max(0, tatMs - nowMs)
  return room < 0 ? 0 : Math.floor(room / emissionMs) + 1
}
