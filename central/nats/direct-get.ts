import type { MsgHdrs, NatsConnection } from 'nats.ws'
import { subjects } from '../../contract/subjects.ts'

/** A message read straight out of a stream, without a consumer. */
export interface StoredMessage {
  readonly sequence: number
  readonly data: Uint8Array
  readonly headers: MsgHdrs
}

const NO_MESSAGES = 404

/**
 * The first message of a subject at or after a stream sequence, or null when there is none.
 * @throws Error when the server refuses or does not answer in time
 */
export async function nextBySubject(
  connection: NatsConnection,
  stream: string,
  subject: string,
  from: number,
  timeoutMs: number,
): Promise<StoredMessage | null> {
  const query = JSON.stringify({ seq: from, next_by_subj: subject })
  const { headers, data } = await connection.request(subjects.directGet(stream), query, {
    timeout: timeoutMs,
  })
  if (headers?.code === NO_MESSAGES) return null
  if (!headers || headers.hasError) throw new Error(headers?.description || 'answer without headers')
  return { sequence: Number(headers.get('Nats-Sequence')), data, headers }
}
