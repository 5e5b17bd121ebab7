import { element } from './dom.ts'
import { duration } from './format.ts'
import type { PageState, PopState } from './state.ts'

/** Something a reader must know before believing the figures. */
export interface Notice {
  readonly tone: 'bad' | 'warn'
  readonly text: string
}

/** @param lost why there is no live stream from central; null while there is one */
export function noticesOf(state: PageState, pop: PopState | null, lost: string | null): Notice[] {
  const notices: Notice[] = []
  if (lost !== null) {
    notices.push({
      tone: 'bad',
      text: `No connection to central (${lost}). What you see is from before; trying again.`,
    })
  } else if (state.nats && state.nats.state !== 'connected') {
    const why = state.nats.error === null ? '' : ` (${state.nats.error})`
    notices.push({
      tone: 'bad',
      text: `NATS is away${why}. PoPs go on serving on their own; what they say waits in their outboxes, and policies cannot be pushed.`,
    })
  } else if (pop && state.isStale(pop, Date.now())) {
    const silentMs = state.nowMs(Date.now()) - pop.lastSeenMs
    notices.push({ tone: 'warn', text: `${pop.pop} is stale: nothing heard of it for ${roughly(silentMs)}.` })
  }
  return notices
}

export function noticeNode({ tone, text }: Notice): HTMLElement {
  return element('p', { class: `notice notice-${tone}` }, text)
}

/** Coarse, so that the notice, which is read out aloud, does not change each second. */
function roughly(ms: number): string {
  return ms < 60_000 ? 'some seconds' : duration(Math.floor(ms / 60_000) * 60_000)
}
