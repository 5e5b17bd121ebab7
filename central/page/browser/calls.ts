import type { MinuteMessage } from '../../../contract/messages.ts'
import { element } from './dom.ts'
import { rate } from './format.ts'

export interface CallRate {
  readonly caller: string
  readonly callee: string
  readonly rps: number
}

/** Who called whom in the last minute, the most first; empty while no PoP says. */
export function callRates(minutes: readonly MinuteMessage[]): CallRate[] {
  const calls = minutes.at(-1)?.calls ?? []
  return calls
    .map(({ caller, callee, requests }) => ({ caller, callee, rps: requests / 60 }))
    .sort((a, b) => b.rps - a.rps)
}

export function callNode({ caller, callee, rps }: CallRate): HTMLElement {
  return element(
    'li',
    {},
    `${caller} → ${callee}`,
    element('span', { class: 'quiet' }, ` ${rps < 0.1 && rps > 0 ? '< 0.1' : rate(rps)}/s`),
  )
}
