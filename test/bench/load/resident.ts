import { readFileSync } from 'node:fs'

/** Memory that a process holds resident, MiB (Linux). @throws Error when there is no such process */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? Number.NaN) / 1024
}
