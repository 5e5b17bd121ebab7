/**
 * When the next tick is due: the next multiple of `tickMs` (shifted by `phaseMs`) that is at least half a tick away. An alarm
 * that fires early or late by less than that leaves the grid as it is, and ticks that were missed are skipped.
 */
export function nextTickMs(wallMs: number, tickMs: number, phaseMs: number): number {
  return Math.ceil((wallMs + tickMs / 2 - phaseMs) / tickMs) * tickMs + phaseMs
}

/** Whether a tick is a repeat of the last one: alarms are delivered at least once, not exactly once. */
export function isRepeat(wallMs: number, lastWallMs: number, tickMs: number): boolean {
  const sinceMs = wallMs - lastWallMs
  return sinceMs >= 0 && sinceMs < tickMs / 2
}
