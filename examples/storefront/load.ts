import { totalmem } from 'node:os'
import type { Route } from './http.ts'

/** Figures younger than this are told again: a share of CPU needs a while to be one of. */
const LEAST_MS = 1000

/**
 * What the process says of itself at `/load`: its share of the one core that its JavaScript can use, and of the machine's
 * memory. SQLite answers at once, so no call waits for the database; there is no message queue to speak of.
 */
export function loadRoute(): Route {
  let atMs = performance.now()
  let used = process.cpuUsage()
  let cpu: number | null = null
  return {
    method: 'GET',
    path: '/load',
    handle: () => {
      const nowMs = performance.now()
      if (nowMs - atMs >= LEAST_MS) {
        const { user, system } = process.cpuUsage(used)
        cpu = Math.min(1, (user + system) / 1000 / (nowMs - atMs))
        used = process.cpuUsage()
        atMs = nowMs
      }
      const memory = process.memoryUsage.rss() / Math.min(process.constrainedMemory() || Infinity, totalmem())
      return { body: { cpu, memory: Math.min(1, memory), dbQueue: 0 } }
    },
  }
}
