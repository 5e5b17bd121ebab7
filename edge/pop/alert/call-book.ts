import type { MinuteRecord } from '../minute-book.ts'

/** One module calls another, and what share of the callee's requests comes that way. */
export interface CallShare {
  readonly caller: string
  readonly callee: string
  /** 0..1 */
  readonly share: number
}

/** Decayed counts: requests by module, and calls by caller and callee. Plain JSON. */
export interface CallBookState {
  readonly requests: Readonly<Record<string, number>>
  readonly calls: readonly { readonly caller: string; readonly callee: string; readonly requests: number }[]
}

/** What of a count is left a minute later: half of it after ten. */
const DECAY = 2 ** (-1 / 10)
/** Calls of which less than this is left are forgotten. */
const LEAST = 0.5

export const NO_CALLS: CallBookState = { requests: {}, calls: [] }

/** The book after one more minute. */
export function withMinute(book: CallBookState, minute: CallBookState): CallBookState {
  const requests = new Map(Object.entries(minute.requests))
  for (const [name, count] of Object.entries(book.requests)) {
    const kept = DECAY * count
    if (kept >= LEAST) requests.set(name, kept + (requests.get(name) ?? 0))
  }
  const calls = new Map(minute.calls.map((call) => [`${call.caller} ${call.callee}`, call]))
  for (const call of book.calls) {
    const key = `${call.caller} ${call.callee}`
    const kept = DECAY * call.requests
    if (kept >= LEAST) calls.set(key, { ...call, requests: kept + (calls.get(key)?.requests ?? 0) })
  }
  return { requests: Object.fromEntries(requests), calls: [...calls.values()] }
}

/** Who calls whom of late. */
export function sharesOf({ requests, calls }: CallBookState): CallShare[] {
  const all = new Map(Object.entries(requests))
  return calls.map(({ caller, callee, requests: along }) => {
    const received = all.get(callee) ?? 0
    return { caller, callee, share: received > 0 ? Math.min(1, along / received) : 0 }
  })
}

/** What a closed minute says of calls. */
export function callsOf({ modules, calls }: MinuteRecord, names: readonly string[]): CallBookState {
  const nameOf = (index: number) => names[index] ?? ''
  return {
    requests: Object.fromEntries(modules.map(({ requests }, index) => [nameOf(index), requests])),
    calls: calls
      .map(({ caller, callee, requests }) => ({ caller: nameOf(caller), callee: nameOf(callee), requests }))
      .filter(({ caller, callee }) => caller !== '' && callee !== ''),
  }
}
