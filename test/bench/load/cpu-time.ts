import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time that a process and its children have used, in microseconds (Linux: the scheduler's own nanosecond counts,
 * summed over threads; a thread that ended is not counted, so measure differences over a steady set of threads).
 */
export function cpuTimeUs(pid: number): number {
  let nanoseconds = 0
  for (const member of family(pid)) {
    for (const task of entries(`/proc/${member}/task`)) {
      nanoseconds += Number(text(`/proc/${member}/task/${task}/schedstat`).split(' ')[0] || 0)
    }
  }
  return nanoseconds / 1000
}

function family(pid: number): number[] {
  const children = entries(`/proc/${pid}/task`).flatMap((task) =>
    text(`/proc/${pid}/task/${task}/children`).trim().split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(family)]
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
