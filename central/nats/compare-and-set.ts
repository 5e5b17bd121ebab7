import { type MsgHdrs, type NatsConnection, NatsError, headers as newHeaders } from 'nats.ws'

const EXPECTED_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence'
const WRONG_SEQUENCE = 10071

/**
 * Publishes into a stream if the last message of the subject is still the one of this sequence (0: there is none), and
 * answers the new one's sequence. Rejects as NATS does; `isOutdated` tells whether somebody else was first.
 */
export async function publishAfter(
  connection: NatsConnection,
  sequence: number,
  subject: string,
  text: string,
  { timeoutMs, headers = newHeaders() }: { readonly timeoutMs: number; readonly headers?: MsgHdrs },
): Promise<number> {
  headers.set(EXPECTED_SEQUENCE, String(sequence))
  return (await connection.jetstream({ timeout: timeoutMs }).publish(subject, text, { headers })).seq
}

/** Whether a publication was refused because the subject has a newer message than was expected. */
export function isOutdated(thrown: unknown): boolean {
  return thrown instanceof NatsError && thrown.api_error?.err_code === WRONG_SEQUENCE
}
