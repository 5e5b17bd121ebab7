import type { DecisionMessage } from '../../../contract/messages.ts'
import type { Explanation } from '../../explain/explain.ts'
import { element } from './dom.ts'
import { timeOfDay } from './format.ts'

/** One decision, folded; opening it asks central why. */
export function decisionNode(
  decision: DecisionMessage,
  ask: (decision: DecisionMessage) => Promise<Explanation>,
): HTMLElement {
  const change = decision.from === decision.to ? decision.to : `${decision.from} → ${decision.to}`
  const outcome = decision.outcome === 'applied' ? decision.rule : `${decision.rule}, ${decision.outcome}`
  const node = element(
    'details',
    { class: 'decision' },
    element(
      'summary',
      {},
      element('time', { datetime: new Date(decision.atMs).toISOString() }, timeOfDay(decision.atMs)),
      ' ',
      element('b', {}, change),
      ` ${decision.pop} · ${outcome}`,
    ),
  )
  node.addEventListener('toggle', () => {
    if (!node.open || node.childElementCount > 1) return
    ask(decision).then(
      (explanation) => node.append(...explanationNodes(explanation)),
      (thrown: unknown) => node.append(element('p', { class: 'bad' }, `no explanation: ${String(thrown)}`)),
    )
  })
  return node
}

function explanationNodes({ summary, why, guard, inputs, counterfactual }: Explanation): HTMLElement[] {
  return [
    element('p', {}, summary),
    element('p', {}, why),
    ...(guard === null ? [] : [element('p', { class: 'warned' }, guard)]),
    element('ul', {}, ...inputs.map((input) => element('li', {}, input))),
    element('p', {}, counterfactual),
  ]
}
