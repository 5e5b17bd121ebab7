import type { DecisionMessage } from '../../contract/messages.ts'
import type { Explanation } from '../explain/explain.ts'
import { answer, atMost, type Command } from './command.ts'
import { plain, when } from './table.ts'

interface Explained {
  readonly decision: DecisionMessage
  readonly explanation: Explanation
}

export const explainCommand: Command = {
  words: 'explain',
  usage: 'atlasctl explain [last|ID] [--pop NAME]',
  about: 'why a decision was made: rule, inputs, guard, and what would have changed it',
  run: async (invocation) => {
    atMost(invocation, 1)
    const id = encodeURIComponent(invocation.args[0] ?? 'last')
    const pop = invocation.flags.pop === null ? '' : `?pop=${encodeURIComponent(invocation.flags.pop)}`
    const explained = await invocation.api.json<Explained>(`/v1/decisions/${id}${pop}`)
    answer(invocation, explained, explainedText)
  },
}

function explainedText({ decision, explanation }: Explained): string {
  const { summary, why, guard, inputs, counterfactual } = explanation
  const lines = [
    `${decision.id}  ${when(decision.atMs)}`,
    summary,
    why,
    ...(guard === null ? [] : [guard]),
    ...inputs.map((input) => `  - ${input}`),
    counterfactual,
  ]
  return `${lines.map(plain).join('\n')}\n`
}
