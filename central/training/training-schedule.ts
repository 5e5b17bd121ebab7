import { AtlasError, messageOf } from '../../contract/errors.ts'
import type { MinuteStore } from './minute-store.ts'
import type { Training } from './training.ts'
import type { TrainingJournal } from './training-journal.ts'

const DAY_MS = 86_400_000
/** A training by schedule that could not be made is tried again after so long. */
const AGAIN_MS = 3_600_000
/** Epochs of a reference are for trainings on demand; a schedule trains none. */
const EPOCHS = 0

export interface TrainingScheduleOptions {
  readonly training: Pick<Training, 'isRunning' | 'start'>
  readonly journal: Pick<TrainingJournal, 'lastMs'>
  readonly minutes: Pick<MinuteStore, 'firstStoredMs'>
  /** Days between trainings of all PoPs; 0: none. Drift calls for its own all the same. */
  readonly everyDays: number
  readonly wallMs: () => number
  readonly log: (event: string, facts: Record<string, string | number>) => void
}

/** Whether so many days have gone by since the last training, or, before the first, since minutes are recorded. */
export function isDue(
  { everyDays, lastMs, firstMs }: { everyDays: number; lastMs: number | null; firstMs: number | null },
  nowMs: number,
): boolean {
  if (everyDays === 0 || firstMs === null) return false
  return nowMs - (lastMs ?? firstMs) >= everyDays * DAY_MS
}

/** Calls for trainings: of all PoPs every few days, of one whose forecasts have drifted at most once a day. */
export class TrainingSchedule {
  readonly #options: TrainingScheduleOptions
  readonly #drifted = new Map<string, number>()
  #notBeforeMs = 0

  constructor(options: TrainingScheduleOptions) {
    this.#options = options
  }

  /** A PoP's error has grown to so many times what it was. */
  drifted(pop: string, ratio: number): void {
    this.#drifted.set(pop, ratio)
  }

  /** One look. Never throws: without NATS it looks again. */
  async look(): Promise<void> {
    const { training, log } = this.#options
    if (training.isRunning) return
    try {
      if (!(await this.#drift())) await this.#whole()
    } catch (thrown) {
      if (!(thrown instanceof AtlasError)) log('training schedule cannot look', { reason: messageOf(thrown) })
    }
  }

  /** Whether a training was begun. */
  async #drift(): Promise<boolean> {
    const { training, journal, wallMs, log } = this.#options
    for (const [pop, ratio] of this.#drifted) {
      const lastMs = await journal.lastMs(pop)
      this.#drifted.delete(pop)
      if (lastMs !== null && wallMs() - lastMs < DAY_MS) continue
      const reason = `error of the last day is ${ratio.toFixed(2)} times its baseline`
      training.start({ trigger: 'drift', pops: [pop], reason, ...BY_CENTRAL })
      log('training begun', { trigger: 'drift', pop })
      return true
    }
    return false
  }

  async #whole(): Promise<void> {
    const { training, journal, minutes, everyDays, wallMs, log } = this.#options
    const nowMs = wallMs()
    if (everyDays === 0 || nowMs < this.#notBeforeMs) return
    this.#notBeforeMs = nowMs + AGAIN_MS
    const [lastMs, firstMs] = [await journal.lastMs(), await minutes.firstStoredMs()]
    if (!isDue({ everyDays, lastMs, firstMs }, nowMs)) return
    training.start({ trigger: 'schedule', pops: null, reason: `every ${everyDays} days`, ...BY_CENTRAL })
    log('training begun', { trigger: 'schedule' })
  }
}

const BY_CENTRAL = { by: 'central', global: false, epochs: EPOCHS, quick: false } as const
