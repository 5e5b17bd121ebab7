import type { TrainingState } from './training-state.ts'

/** Wall time between two lines of a training's progress in the log. */
const LOG_EVERY_MS = 30_000

/** What the live stream tells of a training: all but the lines before the last. */
export type TrainingTold = Omit<TrainingState, 'lines'> & { readonly line: string }

/** Passes a training on: each change to the live stream; its beginning, its end and now and then a line to the log. */
export function trainingTeller(
  log: (event: string, facts: Record<string, string | number>) => void,
  send: (told: TrainingTold) => void,
  nowMs: () => number = () => performance.now(),
): (state: TrainingState) => void {
  let [loggedMs, startedAtMs] = [Number.NEGATIVE_INFINITY, 0]
  return ({ lines, ...state }) => {
    const line = lines.at(-1) ?? ''
    send({ ...state, line })
    const isNew = state.startedAtMs !== startedAtMs
    const isOver = state.state !== 'running'
    if (!isNew && !isOver && nowMs() - loggedMs < LOG_EVERY_MS) return
    loggedMs = nowMs()
    startedAtMs = state.startedAtMs
    log(`training ${state.state}`, { trigger: state.trigger, by: state.by, line: state.error ?? line })
  }
}
