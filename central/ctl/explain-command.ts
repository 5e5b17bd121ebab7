import type { DecisionMessage } from '../../contract/messages.ts'
import type { Explanation } from '../explain/explain.ts'
import type { AlertExplanation } from '../explain/explain-alert.ts'
import type { Alert } from '../ingest/alert-book.ts'
import { type Api, Refused } from './api.ts'
import { answer, atMost, type Command } from './command.ts'
import { plain, when } from './table.ts'

interface Explained {
  readonly decision: DecisionMessage
  readonly explanation: Explanation
}

interface ExplainedAlert {
  readonly alert: Alert
  readonly explanation: AlertExplanation
}

export const explainCommand: Command = {
  words: 'explain',
  usage: 'atlasctl explain [last|ID] [--pop NAME]',
  about:
    'why a decision was made (rule, inputs, guard, what would have changed it); or, by the id of an alert, what was odd and who is suspected',
  run: async (invocation) => {
    atMost(invocation, 1)
    const id = encodeURIComponent(invocation.args[0] ?? 'last')
    const pop = invocation.flags.pop === null ? '' : `?pop=${encodeURIComponent(invocation.flags.pop)}`
    const explained = await find(invocation.api, id, pop)
    answer(invocation, explained, (value) => ('alert' in value ? alertText(value) : decisionText(value)))
  },
}

/** The decision of an id, or else the alert. */
async function find(api: Api, id: string, query: string): Promise<Explained | ExplainedAlert> {
  try {
    return await api.json<Explained>(`/v1/decisions/${id}${query}`)
  } catch (thrown) {
    if (!isUnknown(thrown) || id === 'last') throw thrown
  }
  try {
    return await api.json<ExplainedAlert>(`/v1/alerts/${id}${query}`)
  } catch (thrown) {
    if (!isUnknown(thrown)) throw thrown
    const detail = `no decision and no alert is known by ${JSON.stringify(decodeURIComponent(id).slice(0, 80))}; atlasctl alerts lists alerts, and atlasctl explain tells of the last decision`
    throw new Refused({ ...thrown.problem, title: 'There is no such decision or alert', detail })
  }
}

function isUnknown(thrown: unknown): thrown is Refused {
  return thrown instanceof Refused && thrown.problem.status === 404
}

function decisionText({ decision, explanation }: Explained): string {
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

function alertText({ alert, explanation }: ExplainedAlert): string {
  const { summary, odd, course, suspects, undiagnosed } = explanation
  const list = (head: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [head, ...lines.map((line) => `  - ${line}`)]
  const lines = [
    `${alert.id}  ${alert.pop}  ${alert.state}`,
    summary,
    ...list('What was odd:', odd),
    ...list('How it went:', course),
    ...list('Suspected, the most suspect first:', suspects),
    ...(undiagnosed === null ? [] : [undiagnosed]),
  ]
  return `${lines.map(plain).join('\n')}\n`
}
