import type { NatsConnection } from 'nats.ws'
import type { TrainingState } from './training-state.ts'

export interface TrainingJournalOptions {
  readonly connection: () => NatsConnection
  readonly wallMs: () => number
  readonly onAuditLost: (reason: string) => void
}

const STREAM = 'ATLAS_AUDIT'
const WHOLE = 'atlas.audit.central.training.whole'
const ofPop = (pop: string) => `atlas.audit.central.training.pop.${pop}`
const TIMEOUT_MS = 4_000
const NO_MESSAGE = 10037

/** Every training in the audit stream, with who called for it, why, and what became of it; and when the last ones were. */
export class TrainingJournal {
  readonly #options: TrainingJournalOptions

  constructor(options: TrainingJournalOptions) {
    this.#options = options
  }

  /** Writes a training that is over, once. What it published stands even when this fails. */
  async write({ lines: _, ...entry }: TrainingState): Promise<void> {
    const { connection, wallMs, onAuditLost } = this.#options
    const text = JSON.stringify({ v: 1, atMs: wallMs(), kind: 'training', ...entry })
    const places = entry.pops === null ? [WHOLE] : entry.pops.map(ofPop)
    try {
      const jetstream = connection().jetstream({ timeout: TIMEOUT_MS })
      for (const subject of places)
        await jetstream.publish(subject, text, { msgID: `${subject}:${entry.startedAtMs}` })
    } catch (thrown) {
      onAuditLost(String(thrown))
    }
  }

  /** Wall time at which the last training of all PoPs, or one that had this PoP, was over; null: none yet. */
  async lastMs(pop?: string): Promise<number | null> {
    const manager = await this.#options.connection().jetstreamManager({ timeout: TIMEOUT_MS })
    let lastMs: number | null = null
    for (const subject of pop === undefined ? [WHOLE] : [WHOLE, ofPop(pop)]) {
      try {
        const message = await manager.streams.getMessage(STREAM, { last_by_subj: subject })
        lastMs = Math.max(lastMs ?? 0, message.time.getTime())
      } catch (thrown) {
        const { api_error } = thrown as { api_error?: { err_code?: number } }
        if (api_error?.err_code !== NO_MESSAGE) throw thrown
      }
    }
    return lastMs
  }
}
