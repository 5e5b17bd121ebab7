import type { Draft } from '../../contract/messages.ts'
import { subjects } from '../../contract/subjects.ts'

/** A message of the outbox and its place in the order. */
export interface OutboxRow {
  readonly seq: number
  readonly draft: Draft
}

/** The outbox as the link empties it. */
export interface OutboxQueue {
  /** The oldest rows, in order. */
  peek(limit: number): OutboxRow[]
  /** Forgets one row: the server has it, or it can never be taken. */
  remove(seq: number): void
}

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
    case 'alert':
      return subjects.alert(pop)
    case 'ack':
      return subjects.ack(pop, draft.policy)
    case 'model':
      return subjects.model(pop)
  }
}
