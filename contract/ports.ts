/** Time as a port. `nowMs` is the trace's time (what aggregation, forecast and dwell follow), `wallMs` the wall's. */
export interface Clock {
  nowMs(): number
  wallMs(): number
}

/** Randomness as a port: floats in [0, 1), of 32 bits or more. */
export interface Random {
  next(): number
}

/** A name for something that is told apart from others of its kind by chance: 32 bits or more, as 10 base-36 digits. */
export function randomName(random: Random): string {
  return Math.floor(random.next() * 2 ** 48)
    .toString(36)
    .padStart(10, '0')
}

/** Counters as a port; labels are few and bounded. */
export interface Metrics {
  count(name: string, by?: number, labels?: Readonly<Record<string, string>>): void
}

/**
 * How trace time runs against wall time, and how many requests of the trace one real request stands for.
 * In production `speed` and `weight` are 1. A replay that is 60 times compressed in time and carries a tenth of the
 * rate has speed 60 and weight 600: in each trace second it sends a 600th of the trace's requests.
 */
export interface TimeScale {
  readonly wallStartMs: number
  readonly startMs: number
  readonly speed: number
  readonly weight: number
}

export const REAL_TIME: TimeScale = { wallStartMs: 0, startMs: 0, speed: 1, weight: 1 }

/** The trace's time at a wall time. */
export function traceMs(wallMs: number, scale: TimeScale): number {
  return scale.startMs + (wallMs - scale.wallStartMs) * scale.speed
}

/** The clock of the running process. */
export function systemClock(scale: TimeScale = REAL_TIME): Clock {
  return { wallMs: () => Date.now(), nowMs: () => traceMs(Date.now(), scale) }
}

/** Seeded generator, 32 bits of state (mulberry32, Tommy Ettinger, public domain). Good for tests and data, not for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
    },
  }
}
