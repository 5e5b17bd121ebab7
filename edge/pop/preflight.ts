import { messageOf } from '../../contract/errors.ts'
import type { NewTarget } from '../control/coupling-plan.ts'
import { bindingOf, parseTarget } from '../control/target.ts'

const LIMIT_MS = 1000

/** Sends one request to a target: by URL, or by service binding. */
export type Reach = (target: string, path: string, signal: AbortSignal) => Promise<Response>

/** A loose target is ready by 2xx; a tight one by any answer below 500: a monolith need not have a health path. */
export function isReady(status: number, tight: boolean): boolean {
  return tight ? status < 500 : status >= 200 && status < 300
}

/** Why a target is not ready, or null. It must answer its health path within a second of wall time. */
export async function probe(reach: Reach, target: NewTarget): Promise<string | null> {
  if (target.target === 'self') return null
  const what = `${target.module} at ${target.target}${target.health}`
  try {
    const response = await reach(target.target, target.health, AbortSignal.timeout(LIMIT_MS))
    await response.body?.cancel()
    return isReady(response.status, target.tight) ? null : `${what} answered ${response.status}`
  } catch (thrown) {
    const late = thrown instanceof Error && thrown.name === 'TimeoutError'
    return late ? `${what} did not answer within ${LIMIT_MS} ms` : `${what}: ${messageOf(thrown)}`
  }
}

/** Which modules of a change of vector must stay where they are. */
export interface Readiness {
  /** Bit i: module i's new target is not ready. */
  readonly unready: number
  /** Why, target by target; empty when all are ready. */
  readonly why: string
}

/** Asks every target that a change of vector begins to use. Modules whose target is not ready must not move. */
export async function preflight(reach: Reach, targets: readonly NewTarget[]): Promise<Readiness> {
  const faults = await Promise.all(targets.map((target) => probe(reach, target)))
  const unready = targets.reduce(
    (bits, { modules }, index) => (faults[index] === null ? bits : bits | modules),
    0,
  )
  return { unready, why: faults.filter((fault) => fault !== null).join(', ') }
}

/** Reaches `binding:NAME` by the Worker's environment, everything else by URL. */
export function reachBy(env: object, fetcher: typeof fetch = fetch): Reach {
  return async (text, path, signal) => {
    const target = parseTarget(text)
    const init: RequestInit = { signal, redirect: 'manual' }
    if (target.kind === 'url') return fetcher(target.prefix + path, init)
    if (target.kind === 'self') throw new Error('target "self" has no address')
    const host = target.name.toLowerCase().replaceAll('_', '-')
    return bindingOf(env, target.name).fetch(`http://${host}${path}`, init)
  }
}
