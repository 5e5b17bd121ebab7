import { subjects } from '../../contract/subjects.ts'
import type { OutboxRow } from './outbox.ts'

/** A row of the outbox as it goes out: its subject, and the message with its place in the order. */
export function envelope(pop: string, row: OutboxRow): { readonly subject: string; readonly body: string } {
  return {
    subject: subjectOf(pop, row.draft),
    body: JSON.stringify({ v: 1, pop, seq: row.seq, ...row.draft }),
  }
}

function subjectOf(pop: string, draft: OutboxRow['draft']): string {
  switch (draft.kind) {
    case 'second':
      return subjects.second(pop)
    case 'minute':
      return subjects.minute(pop)
    case 'decision':
      return subjects.decision(pop)
    case 'ack':
      return subjects.ack(pop, draft.policy)
  }
}
