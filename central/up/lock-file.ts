import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** `free`: nobody had it; `left`: a process that is dead now did; `held`: the process `pid` has it. */
export type Claim = { readonly kind: 'free' | 'left' } | { readonly kind: 'held'; readonly pid: number }

/** How often a claim begins anew because another one moved in between. */
const ROUNDS = 100

/**
 * Claims a lock file for this process, atomically: it is linked into place with its content, which fails when it is there.
 * One that a dead process left is taken over by whoever makes the marker that is named by that process's life; only the
 * marker's holder replaces the lock, so that of many who see it dead one gets it.
 */
export function claimLock(file: string): Claim {
  const own = lifeOf(process.pid)
  let left = false
  for (let round = 0; round < ROUNDS; round++) {
    if (create(file, own)) return { kind: left ? 'left' : 'free' }
    const life = read(file)
    if (life === null) continue
    if (isAlive(life)) return { kind: 'held', pid: pidOf(life) }
    left = true
    const marker = `${file}.${life.replaceAll(/[^0-9]+/g, '-')}`
    if (!create(marker, own)) {
      const taker = read(marker)
      if (taker !== null && isAlive(taker)) return { kind: 'held', pid: pidOf(taker) }
      rmSync(marker, { force: true })
      continue
    }
    const isStill = read(file) === life
    if (isStill) {
      const fresh = `${file}.${process.pid}.new`
      writeFileSync(fresh, own)
      renameSync(fresh, file)
    }
    rmSync(marker, { force: true })
    if (isStill) return { kind: 'left' }
  }
  return { kind: 'held', pid: pidOf(read(file) ?? '') }
}

/** Gives a lock back; one that is another's stays. */
export function releaseLock(file: string): void {
  if (read(file) === lifeOf(process.pid)) rmSync(file, { force: true })
}

/** Makes a file with its content in one step. @returns whether there was none */
function create(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}.draft`
  writeFileSync(draft, text)
  try {
    linkSync(draft, file)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw thrown
  } finally {
    rmSync(draft, { force: true })
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw thrown
  }
}

/** `pid start-time`: a process, and not another one that got its number later. Field 22 of proc(5) /proc/pid/stat. */
export function lifeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return `${pid}`
  }
}

/** Whether the process of a life still runs. */
export function isAlive(life: string): boolean {
  const pid = pidOf(life)
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return lifeOf(pid) === life
}

function pidOf(life: string): number {
  return Number(life.split(' ')[0])
}
