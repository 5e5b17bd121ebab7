import type { NatsConnection } from 'nats.ws'
import { RELEASE_STREAM } from '../../contract/subjects.ts'
import { nextBySubject } from '../nats/direct-get.ts'

/** What is kept of a subject of the release bucket. */
export interface SignedHistory<T> {
  /** Those that could be opened, the newest first. */
  readonly releases: T[]
  /** Sequence of the last message; 0: nothing was stored yet. */
  readonly revision: number
  /** Highest version that any message claims, also of those that another key signed. */
  readonly highest: number
}

/**
 * Reads every release of a subject.
 * @param open rejects what this key did not sign: it is passed over, as PoPs do
 * @throws Error when NATS refuses or does not answer in time
 */
export async function signedHistory<T>(
  connection: NatsConnection,
  subject: string,
  open: (text: string) => Promise<T>,
  timeoutMs: number,
): Promise<SignedHistory<T>> {
  const releases: T[] = []
  let [revision, highest] = [0, 0]
  for (;;) {
    const next = await nextBySubject(connection, RELEASE_STREAM, subject, revision + 1, timeoutMs)
    if (next === null) return { releases, revision, highest }
    revision = next.sequence
    const text = new TextDecoder().decode(next.data)
    highest = Math.max(highest, claimedVersion(text))
    const release = await open(text).catch(() => null)
    if (release !== null) releases.unshift(release)
  }
}

/** The version that an envelope of any key says it is of; 0 when it says none. */
function claimedVersion(text: string): number {
  try {
    const { version }: { version?: unknown } = JSON.parse(JSON.parse(text).payload)
    return Number.isSafeInteger(version) && Number(version) > 0 ? Number(version) : 0
  } catch {
    return 0
  }
}
